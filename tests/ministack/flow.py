"""Sends the marketplace's events and one signed Chatwoot message into a deployed stack, and waits for the provider's summary.

The stack is whatever AWS_ENDPOINT_URL points at. Function URLs are reached through that gateway, by their host name.
"""

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import boto3
from boto3.dynamodb.types import TypeDeserializer

PATIENCE = 90
SECRET = "flow-secret"
PROVIDER = "acme"
# Who wrote the sample message.
RENTER = "3f1c9a5be27d4806f1b0c7a2e98d5341c60fb7e8a9d2136450cbe7f8d1a2b3c4"
EVENTS = Path(__file__).resolve().parents[2] / "events"
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def main(stack):
    outputs = outputs_of(stack)
    secrets = {"events": [], "chatwoot": {"1": {"webhook": [SECRET]}}}
    secret = resource(stack, "Secrets")
    boto3.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps(secrets))

    refused = post_message(outputs["ChatwootWebhookUrl"], "another-secret")
    expect(refused == 401, f"a message with a wrong signature got {refused}")
    publish(outputs["BusName"], ["provider.registered", "contract.requested", "contract.accepted"])
    publish(outputs["BusName"], ["contract.provisioned", "contract.completed"])
    taken = post_message(outputs["ChatwootWebhookUrl"], SECRET)
    expect(taken == 202, f"a signed message got {taken}")

    began = time.monotonic()
    while not complete(summary := provider(outputs["TableName"])):
        expect(time.monotonic() - began < PATIENCE, f"after {PATIENCE} s there is only {json.dumps(summary)}")
        time.sleep(0.2)
    score = summary["score"]
    low, points, high = (score[name] / 1e9 for name in ("low", "points", "high"))
    print(f"after {time.monotonic() - began:.1f} s: score {points:.2f} ({low:.2f} to {high:.2f}), 1 open wait, 1 contract")

    listed = served(stack)["items"][0]
    expect(listed["id"] == PROVIDER and listed["score"] is not None, f"the list says {listed}")
    print(f"served: {json.dumps(listed)}")


def complete(summary):
    """Whether the summary holds both what the marketplace and what the message said."""
    replies, contracts = summary.get("replies", {}), summary.get("contracts", {})
    return replies.get("waiting") == 1 and contracts.get("completed") == 1 and "score" in summary


def provider(table):
    key = {"pk": {"S": f"provider#{PROVIDER}"}, "sk": {"S": "summary"}}
    item = boto3.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
    read = TypeDeserializer().deserialize
    return json.loads(json.dumps({name: read(value) for name, value in item.items()}, default=float))


def served(stack):
    """The list of providers, from the function behind the HTTP API."""
    event = (EVENTS / "scores-api.json").read_bytes()
    answer = boto3.client("lambda").invoke(FunctionName=resource(stack, "ScoresApi"), Payload=event)
    answer = json.loads(answer["Payload"].read())
    expect(answer.get("statusCode") == 200, f"the API answers {answer}")
    return json.loads(answer["body"])


def outputs_of(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def resource(stack, name):
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
    return described["StackResourceDetail"]["PhysicalResourceId"]


def publish(bus, names):
    details = [json.loads((EVENTS / "marketplace" / f"{name}.json").read_text()) for name in names]
    for detail in details:
        # Only what the contract's own renter writes counts for it.
        if "renter_id" in detail["data"]:
            detail["data"]["renter_id"] = RENTER
    entries = [
        {"EventBusName": bus, "Source": "marketplace", "DetailType": detail["type"], "Detail": json.dumps(detail)}
        for detail in details
    ]
    answer = boto3.client("events").put_events(Entries=entries)
    expect(answer["FailedEntryCount"] == 0, f"the bus took only part: {answer}")


def post_message(url, secret):
    """Posts the sample message, signed now, and gives the status."""
    body = json.loads((EVENTS / "chatwoot-webhook.json").read_text())["body"].encode()
    sent = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Host": urlparse(url).netloc,
        "Content-Type": "application/json",
        "X-Chatwoot-Timestamp": sent,
        "X-Chatwoot-Signature": f"sha256={signature}",
    }
    request = urllib.request.Request(f"{ENDPOINT}/1", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def expect(true, otherwise):
    if not true:
        sys.exit(f"FAILED: {otherwise}")


main(sys.argv[1])

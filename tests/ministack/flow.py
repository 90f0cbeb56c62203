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

    table = boto3.client("dynamodb")
    began = time.monotonic()
    while True:
        key = {"pk": {"S": f"provider#{PROVIDER}"}, "sk": {"S": "summary"}}
        summary = table.get_item(TableName=outputs["TableName"], Key=key).get("Item", {})
        items = table.query(
            TableName=outputs["TableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"provider#{PROVIDER}"}},
        )["Items"]
        kinds = sorted(item["sk"]["S"].split("#")[0] for item in items)
        if "waiting" in kinds and "contracts" in kinds and waits(summary) == 1:
            break
        expect(time.monotonic() - began < PATIENCE, f"only {kinds} after {PATIENCE} s: {json.dumps(summary)[:400]}")
        time.sleep(0.5)
    print(f"{kinds} after {time.monotonic() - began:.1f} s")
    print("summary:", json.dumps(plain(summary), indent=1, sort_keys=True)[:4000])


def waits(summary):
    """Waits in the longest window of the summary's reply facts."""
    windows = plain(summary).get("replies", {}).get("windows", [])
    return windows[-1].get("waits") if windows else None


def plain(item):
    read = TypeDeserializer().deserialize
    return json.loads(json.dumps({name: read(value) for name, value in item.items()}, default=float))


def outputs_of(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def resource(stack, name):
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
    return described["StackResourceDetail"]["PhysicalResourceId"]


def publish(bus, names):
    details = [json.loads((EVENTS / "marketplace" / f"{name}.json").read_text()) for name in names]
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

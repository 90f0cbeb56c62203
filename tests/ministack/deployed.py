"""A deployed stack, as those see it who use it: the doors, the functions, the queues.

It is whatever AWS_ENDPOINT_URL points at. The API and Function URLs are reached through that gateway, by their host name.
"""

import base64
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

EVENTS = Path(__file__).resolve().parents[2] / "events"
# How long anything may take, in seconds.
PATIENCE = 240
CHATWOOT_SECRET = "flow-secret"
MARKETPLACE_SECRET = base64.b64encode(b"what the marketplace signs with").decode()
SECRETS = {
    "events": [f"whsec_{MARKETPLACE_SECRET}"],
    "chatwoot": {"1": {"webhook": [CHATWOOT_SECRET]}},
    "log": {"origin": "log.example/uptime", "seeds": [base64.b64encode(bytes(range(32))).decode()]},
    "reports": ["what-keys-are-made-from"],
    "feedback": ["what-links-are-made-with"],
}


class Stack:
    def __init__(self, name):
        described = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        self.resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}

    def keep_secrets(self):
        client = boto3.client("secretsmanager")
        client.put_secret_value(SecretId=self.resources["Secrets"], SecretString=json.dumps(SECRETS))

    def invoke(self, function, event):
        """What a function answers. One that fails ends the script."""
        answer = boto3.client("lambda").invoke(FunctionName=self.resources[function], Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        expect("FunctionError" not in answer, f"{function} answers {json.dumps(event)[:200]} with {payload}")
        return payload

    def get(self, path):
        """The status of a path of the API, and the document there."""
        status, body = self.ask("GET", path)
        return status, json.loads(body)

    def ask(self, method, path, body=None, headers=None):
        host = f"{self.resources['Api']}.execute-api.localhost"
        return ask(host, method, path, body, headers or {})

    def tell(self, event):
        """Posts an event as the marketplace does (Standard Webhooks), and gives the status."""
        body = json.dumps(event).encode()
        sent = str(int(time.time()))
        signed = hmac.new(base64.b64decode(MARKETPLACE_SECRET), f"{event['id']}.{sent}.".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": event["id"],
            "webhook-timestamp": sent,
            "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
        }
        return self.ask("POST", "/v1/events", body, headers)[0]

    def post_message(self, secret):
        """Posts the sample message as Chatwoot does, signed now, and gives the status."""
        body = sample("chatwoot-webhook")["body"].encode()
        sent = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Chatwoot-Timestamp": sent,
            "X-Chatwoot-Signature": f"sha256={hmac.new(secret.encode(), f'{sent}.'.encode() + body, hashlib.sha256).hexdigest()}",
        }
        return ask(urlparse(self.outputs["ChatwootWebhookUrl"]).netloc, "POST", "/1", body, headers)[0]


def ask(host, method, path, body, headers):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, body, {"Host": host, **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def sample(name):
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def until(what, read, holds, pause=0.2):
    """What is read every so many seconds, as soon as it is what is waited for, and after how many seconds that was."""
    began = time.monotonic()
    while not holds(value := read()):
        expect(time.monotonic() - began < PATIENCE, f"{what}: after {PATIENCE} s there is only {json.dumps(value)}")
        time.sleep(pause)
    return value, time.monotonic() - began


def expect(true, otherwise):
    if not true:
        sys.exit(f"FAILED: {otherwise}")

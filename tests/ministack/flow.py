"""Sends the marketplace's events and one signed Chatwoot message into a deployed stack, and waits for the provider's summary."""

import json
import sys

import boto3
from boto3.dynamodb.types import TypeDeserializer

from deployed import CHATWOOT_SECRET, Stack, expect, sample, until

PROVIDER = "acme"
# Who wrote the sample message.
RENTER = "3f1c9a5be27d4806f1b0c7a2e98d5341c60fb7e8a9d2136450cbe7f8d1a2b3c4"
COMPLETED = "2026-11-25T10:00:00Z"
CONTRACT = ["contract.requested", "contract.accepted", "contract.provisioned", "contract.completed"]


def main(name):
    stack = Stack(name)
    stack.keep_secrets()

    refused = stack.post_message("another-secret")
    expect(refused == 401, f"a message with a wrong signature got {refused}")
    for kind in ["provider.registered", *CONTRACT]:
        event = sample(f"marketplace/{kind}")
        # Only what the contract's own renter writes counts for it.
        if "renter_id" in event["data"]:
            event["data"]["renter_id"] = RENTER
        # The samples' contract lasts no hour, and such a one is not scored.
        if kind == "contract.completed":
            event["time"] = COMPLETED
        taken = stack.tell(event)
        expect(taken == 202, f"{kind} got {taken}")
    taken = stack.post_message(CHATWOOT_SECRET)
    expect(taken == 202, f"a signed message got {taken}")

    summary, after = until("the summary", lambda: provider(stack), complete)
    score = summary["score"]
    low, points, high = (score[name] / 1e9 for name in ("low", "points", "high"))
    print(f"after {after:.1f} s: score {points:.2f} ({low:.2f} to {high:.2f}), 1 open wait, 1 contract")

    status, listed = stack.get("/v1/providers")
    expect(status == 200, f"the list got {status}")
    first = listed["items"][0]
    expect(first["id"] == PROVIDER and first["score"] is not None, f"the list says {listed}")
    print(f"served: {json.dumps(first)}")


def complete(summary):
    """Whether the summary holds both what the marketplace and what the message said."""
    replies, contracts = summary.get("replies", {}), summary.get("contracts", {})
    return replies.get("waiting") == 1 and contracts.get("completed") == 1 and "score" in summary


def provider(stack):
    key = {"pk": {"S": f"provider#{PROVIDER}"}, "sk": {"S": "summary"}}
    item = boto3.client("dynamodb").get_item(TableName=stack.outputs["TableName"], Key=key).get("Item", {})
    read = TypeDeserializer().deserialize
    return json.loads(json.dumps({name: read(value) for name, value in item.items()}, default=float))


main(sys.argv[1])

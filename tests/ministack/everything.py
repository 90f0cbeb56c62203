"""Starts every function of a deployed stack: by its sample event and by what its schedules send. In the end nothing may lie in any queue:
what a function fails at stays there, and later lies with the dead letters.

The second argument is the template that was deployed.
"""

import json
import sys
from pathlib import Path

import boto3

from deployed import Stack, expect, sample, until


def main(name, template):
    stack = Stack(name)
    resources = json.loads(Path(template).read_text(encoding="utf-8"))["Resources"]
    functions = {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"}
    for function, resource in functions.items():
        said = [handle(stack, function, sample(resource["Metadata"]["BuildProperties"]["Binary"]))]
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "ScheduleV2":
                said.append(f"{event['Properties']['Input']} {handle(stack, function, json.loads(event['Properties']['Input']))}")
        print(f"{function}: {'; '.join(said)}")
    print(f"{len(functions)} functions have started and answered")

    status, sources = stack.get("/v1/sources")
    expect(status == 200 and sources["items"], f"/v1/sources got {status}: {sources}")
    print(f"/v1/sources: {len(sources['items'])} sources")
    status, nowhere = stack.get("/v1/nowhere")
    expect(status == 404 and nowhere["type"].endswith("no-such-path"), f"/v1/nowhere got {status}: {nowhere}")

    queues = {name: stack.resources[name] for name, resource in resources.items() if resource["Type"] == "AWS::SQS::Queue"}
    until("queues", lambda: {name: lying for name, queue in queues.items() if (lying := lying_in(queue))}, lambda lying: not lying)
    print(f"{len(queues)} queues are empty")


def handle(stack, function, event):
    """What a function answers, shortened. A signature in a sample has long gone stale, which is an answer; that something is broken is none."""
    answer = stack.invoke(function, event)
    expect(not (answer or {}).get("batchItemFailures"), f"{function} has failed at part of its sample: {answer}")
    status = (answer or {}).get("statusCode")
    expect(status is None or status < 500, f"{function} answers {answer}")
    return json.dumps(answer) if status is None else str(status)


def lying_in(queue):
    """How many messages a queue holds, those included that a function has, or had and did not finish. What is held back is not due."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


main(*sys.argv[1:])

"""Has a service of a deployed stack watched, and waits for what was seen of it and what came of that.

Its name leads nowhere, and so does the control target: what is seen is a fault of ours, which is nothing that counts against the provider.
"""

import json
import sys
import time

from deployed import Stack, expect, sample, until

PROVIDER = "acme"
# Beside that of the sample, which is over.
CONTRACT = "c-2"


def main(name):
    stack = Stack(name)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for kind in ["contract.requested", "contract.accepted", "contract.provisioned"]:
        event = sample(f"marketplace/{kind}")
        event |= {"id": f"{event['id']}-{CONTRACT}", "time": now}
        event["data"]["contract_id"] = CONTRACT
        event["data"].pop("conversation", None)
        taken = stack.tell(event)
        expect(taken == 202, f"{kind} got {taken}")

    # Which of its minutes come when is the schedule's affair; here one shall come soon, whoever plans it.
    stack.invoke("ProbePlan", {"plan": "probes"})
    today, after = until("uptime", lambda: settled(stack), lambda today: "fault" in today.get("unknown_by_gap", {}), pause=5)
    expect(today["up"] == today["down"] == 0, f"seen: {today}")
    print(f"after {after:.0f} s: {today['unknown']} slots unknown, {json.dumps(today['unknown_by_gap'])}")


def settled(stack):
    """What is known of the running day, worked out anew if there was time for it."""
    stack.invoke("UptimeSeal", {"uptime": "settle"})
    known = stack.get(f"/v1/providers/{PROVIDER}/uptime")[1]
    return (known.get("today") or {}).get("raw", {})


main(sys.argv[1])

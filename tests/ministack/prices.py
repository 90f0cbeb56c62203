"""Loads a market into a deployed stack, has the marketplace publish an offering, and waits for its place in that market."""

import datetime
import json
import sys

from deployed import Stack, expect, sample, until

HOSTS = 9
RATES = "<Envelope><Cube><Cube time='2026-01-02'><Cube currency='USD' rate='1.0000'/></Cube></Cube></Envelope>"


def main(name):
    stack = Stack(name)
    load(stack, {"kind": "rates", "text": RATES}, 1)
    load(stack, {"kind": "offers", "source": "by-hand", "layout": "offers-csv", "text": offers()}, 2 * HOSTS)
    gathered = stack.invoke("Price", {"market": "gather"})
    expect(gathered["offers"]["shared"] == 2 * HOSTS, f"gathered: {gathered}")

    offering = sample("marketplace/offering.published")
    taken = stack.tell(offering)
    expect(taken == 202, f"the offering got {taken}")
    path = f"/v1/providers/{offering['data']['provider_id']}/price"
    # The market was gathered before there was an offering, so only the table's stream can have placed it.
    placed, after = until("the price", lambda: stack.get(path)[1], lambda document: document.get("offerings"))
    [one] = placed["offerings"]
    expect(one["position"] is not None, f"not placed: {one}")
    print(f"after {after:.1f} s: {one['summary']}")


def load(stack, document, rows):
    loaded = stack.invoke("Price", {"load": document})
    expect(loaded["read"] == loaded["of"] == rows, f"loaded: {loaded}")


def offers():
    """Hosts that ask 8 to 12 dollars for the like of the sample offering, and less for half of it."""
    today = datetime.datetime.now(datetime.UTC).date()
    lines = ["provider,class,vcpus,memory_gib,disk_gb,disk_kind,country,price,currency,priced_on"]
    for host in range(HOSTS):
        price = 8 + host / 2
        lines.append(f"Host {host},shared,2,4,80,nvme,DE,{price:.2f},USD,{today}")
        lines.append(f"Host {host},shared,2,2,40,nvme,DE,{0.7 * price:.2f},USD,{today}")
    return "\n".join([*lines, ""])


main(sys.argv[1])

"""The score, from docs/scoring.md alone: an implementation that shares nothing with the one in Rust.

    score.py DOCUMENT < PROVIDERS

Each line of PROVIDERS is a provider as a JSON object: `facts`, what happened, and `found`, what the other implementation makes
of it. Each is worked out again from the facts, with the numbers of the document's tables. The first difference of more than
1e-9 ends it with status 1.
"""

import hashlib
import json
import math
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta

Z90 = 1.6448536269514722
TOLERANCE = 1e-9


# Beta distribution


def log_beta(a, b):
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def continued_fraction(a, b, x):
    """Lentz's method for the continued fraction of the incomplete beta function (DLMF 8.17.22)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            step = c * d
            value *= step
        if abs(step - 1.0) < 1e-16:
            break
    return value


def beta_share(a, b, x):
    """The share of Beta(a, b) below x."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * continued_fraction(a, b, x) / a
    return 1.0 - front * continued_fraction(b, a, 1.0 - x) / b


def beta_quantile(a, b, share):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if beta_share(a, b, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


# The document's tables


def rows(document, first_heading):
    """The cells of the table whose first column has this heading."""
    lines = iter(document.splitlines())
    for line in lines:
        if line.startswith(f"| {first_heading} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return
                yield [cell.strip() for cell in row.strip("| ").split(" | ")]
    raise SystemExit(f"the document has no table of {first_heading}")


def number(cell):
    return int(cell.split()[0])


class Policy:
    def __init__(self, document):
        self.version = document.split("The policy in force is `")[1].split("`")[0]
        self.families = {}
        for name, weight, mean, strength, half_life, horizon, _ in rows(document, "family"):
            self.families[name] = {
                "weight": number(weight) / 100,
                "mean": number(mean) / 100,
                "strength": number(strength),
                "half_life": number(half_life),
                "horizon": number(horizon),
            }
        # The longest wait that is good, in seconds.
        self.replies_within = int(document.split("the bucket that holds ")[1].split(" s,")[0].replace(",", ""))
        # In thousandths, the order of the rows is the one of the hashed lines.
        self.kinds = {}
        for kind, family, _, weight, quality in rows(document, "kind"):
            figures = [round(1000 * float(cell)) if cell[0].isdigit() else None for cell in (weight, quality)]
            self.kinds[kind.strip("`")] = (family, *figures)


# From facts to observations


def day_of(moment):
    return moment // 86_400


def monday_by_which_final(first_answer):
    day = day_of(first_answer + 86_400 - 1) + 1
    while (date(1970, 1, 1) + timedelta(days=day)).weekday() != 0:
        day += 1
    return day


def bucketed(n):
    """The longest duration of the bucket of n: exact up to 127, then 64 buckets a doubling."""
    if n < 128:
        return n
    width = 2 ** (n.bit_length() - 1) // 64
    return n // width * width + width - 1


def lasted(contract):
    """From the handover, the acceptance or the request to the end or the end of the term, whichever comes first."""
    began = (contract[stage] for stage in ("handed_over", "accepted", "requested"))
    begun = next(at for at in began if at is not None)
    return max(0, min([begun + contract["term"], *ends_of(contract)]) - begun)


def is_minimal(contract):
    return contract["price"] == 0 or lasted(contract) < 3600


def tells_nothing(facts, contract):
    return are_one_party(facts, contract["renter"]) or is_minimal(contract)


def are_one_party(facts, renter):
    """One id, one operator, or one of them the other's operator."""
    provider, operators = facts["provider"], facts["operators"]
    own, his = operators.get(provider), operators.get(renter)
    return renter in (provider, own) or his is not None and his in (own, provider)


def service_days(facts):
    """Of each day what is known of the services and what of it was kept, in thousandths."""
    found = {}
    for day, monitors in facts["services"]:
        coverages = []
        for monitor in monitors:
            known = monitor["up"] + monitor["down"]
            due = known + monitor["unknown"]
            twentieths = 20 * known // due if due else 0
            if tells_nothing(facts, facts["contracts"][monitor["contract"]]) or twentieths == 0:
                continue
            down = bucketed(-(-10_000 * monitor["down"] // known))
            kept = 1000 if down <= 50 else 1000 * 50 // down
            coverages.append((twentieths, kept))
        if coverages:
            covered = sum(twentieths for twentieths, _ in coverages)
            kept = sum(twentieths * kept for twentieths, kept in coverages) // covered
            found[day] = (50 * covered // len(coverages), kept)
    return found


def is_scored(facts, conversation):
    contract = facts["contracts"].get(conversation["contract"])
    if contract is None or tells_nothing(facts, contract) or conversation["contact"] != contract["renter"]:
        return False
    if conversation["verified"] and conversation["channel"] != "api":
        return True
    return conversation["named_by_marketplace"] and conversation["channel"] == "mail"


def waits(conversation):
    """Opened and closed (or None), of the messages that count in the exchange."""
    opened = None
    for at, kind in conversation["messages"]:
        if kind.startswith("renter") and opened is None:
            opened = at
        elif kind in ("person", "person, outside Chatwoot") and opened is not None:
            yield opened, at
            opened = None
    if opened is not None:
        yield opened, None


def waits_in_contracts(facts):
    """Opened, closed, silent after, in seconds, and whether it is among the first three of its renter and week."""
    found = []
    for number, conversation in enumerate(facts["conversations"]):
        if is_scored(facts, conversation):
            contract = facts["contracts"][conversation["contract"]]
            silent_after = 24 * 3600 if contract["silent_after"] is None else contract["silent_after"]
            found += ((opened, number, closed, silent_after, contract["renter"]) for opened, closed in waits(conversation))
    of_week = Counter()
    for opened, _, closed, silent_after, renter in sorted(found, key=lambda wait: wait[:2]):
        week = (renter, (day_of(opened) + 3) // 7)
        of_week[week] += 1
        yield opened, closed, silent_after, of_week[week] <= 3


def outcome_of(facts, contract, today):
    """(outcome, day), as the contract stands today."""
    requested = contract["requested"]
    if are_one_party(facts, contract["renter"]):
        return "self-dealing", day_of(requested)
    accepted, handed_over = contract["accepted"], contract["handed_over"]
    ends = []
    if (at := contract["completed"]) is not None:
        ends.append((at, "minimal" if is_minimal(contract) else "completed"))
    if contract["cancelled"] is not None:
        at, by, reason = contract["cancelled"]
        was_accepted = accepted is not None and accepted <= at
        since = accepted if was_accepted else requested
        was_handed_over = handed_over is not None and handed_over <= at
        given_up = reason is not None or day_of(at) - day_of(since) > 7
        if by == "provider" or was_handed_over or not given_up:
            ends.append((at, f"cancelled by {by}"))
        elif was_accepted or reason == "not-delivered":
            ends.append((at, "no handover"))
        else:
            ends.append((at, "no answer"))
    if (at := contract["failed"]) is not None:
        ends.append((at, "failed"))
    if (at := contract["declined"]) is not None:
        ends.append((at, "declined"))
    if ends:
        at, outcome = min(ends)
        return outcome, day_of(since if outcome.startswith("no ") else at)
    if handed_over is not None:
        return "running", day_of(handed_over)
    waits_for, since = ("handover", accepted) if accepted is not None else ("answer", requested)
    outcome = f"no {waits_for}" if today - day_of(since) > 7 else "pending"
    return outcome, day_of(since)


def that_count(facts, words):
    """Those of (when first, contract, word) that count, in order: of each renter one in 90 days, of contracts that tell something."""
    last = {}
    for first, number, word in words:
        contract = facts["contracts"][number]
        renter, was_there = contract["renter"], contract["handed_over"] is not None
        if are_one_party(facts, renter) or contract["price"] == 0:
            continue
        if was_there and lasted(contract) < 3600:
            continue
        if renter in last and first - last[renter] < 90 * 86_400:
            continue
        last[renter] = first
        yield first, word


def votes_that_count(facts):
    """(Monday, answers), of each renter in the order of the first answers."""
    votes = sorted(facts["votes"], key=lambda vote: vote["answers"][0][0])
    words = ((vote["answers"][0][0], vote["contract"], vote["answers"]) for vote in votes)
    for first, given in that_count(facts, words):
        answers = [answers for at, answers in given if at < first + 86_400][-1]
        yield monday_by_which_final(first), answers


def machines_that_count(facts):
    """(day, held, contradicted), of each renter in the order of the first runs."""
    machines = sorted(facts["machines"], key=lambda machine: (machine["first"], machine["contract"]))
    words = ((machine["first"], machine["contract"], machine) for machine in machines)
    for first, machine in that_count(facts, words):
        yield day_of(first), machine["held"], machine["contradicted"]


def ends_of(contract):
    ends = [contract[end] for end in ("completed", "failed", "declined")]
    ends.append(contract["cancelled"] and contract["cancelled"][0])
    return [end for end in ends if end is not None]


KIND_OF_OUTCOME = {
    "completed": "Completed",
    "cancelled by provider": "CancelledByProvider",
    "failed": "ProvisioningFailed",
    "no handover": "NeverDelivered",
    "no answer": "NoResponse",
    "declined": "Rejected",
}


def observations(policy, facts, today):
    """{(kind, day, weight, quality): count}, weight and quality in thousandths."""
    found = Counter()

    def observe(kind, day, weight=None, quality=None):
        _, usual_weight, usual_quality = policy.kinds[kind]
        weight = usual_weight if weight is None else weight
        quality = usual_quality if quality is None else quality
        if day <= today:
            found[kind, day, weight, quality] += 1

    for day, (coverage, kept) in service_days(facts).items():
        observe("ServiceDay", day, coverage, kept)
    for opened, closed, _, counts in waits_in_contracts(facts):
        if not counts:
            continue
        lasted = (facts["now"] if closed is None else closed) - opened
        in_time = bucketed(lasted) <= bucketed(policy.replies_within)
        if closed is not None:
            observe("RepliedInTime" if in_time else "RepliedLate", day_of(opened))
        elif not in_time:
            observe("Overdue", day_of(opened))
    for contract in facts["contracts"].values():
        outcome, day = outcome_of(facts, contract, today)
        if outcome in KIND_OF_OUTCOME:
            observe(KIND_OF_OUTCOME[outcome], day)
    for monday, (matched, again) in votes_that_count(facts):
        observe("MatchedDescription" if matched else "DidNotMatch", monday)
        observe("WouldRentAgain" if again else "WouldNotRentAgain", monday)
    for day, held, contradicted in machines_that_count(facts):
        if contradicted:
            observe("NotAsClaimed", day)
        elif held >= 4:
            observe("AsClaimed", day)
    return found


# From observations to the score


def score_of(policy, observed, today):
    families, counting = {}, []
    score = baseline = variance = 0.0
    for name, family in policy.families.items():
        k, m = family["strength"], family["mean"]
        alpha, beta = k * m, k * (1 - m)
        weights, squares, count = 0.0, 0.0, 0
        for (kind, day, weight, quality), times in sorted(observed.items()):
            age = today - day
            if policy.kinds[kind][0] != name or age >= family["horizon"]:
                continue
            counting.append((name, day, kind, times, weight, quality))
            w = weight / 1000 * 2 ** (-age / family["half_life"])
            alpha += times * w * quality / 1000
            beta += times * w * (1 - quality / 1000)
            weights += times * w
            squares += times * w * w
            count += times
        n = alpha + beta
        mean = alpha / n
        var = alpha * beta / (n * n * (n + 1))
        if n > 100_000:
            low, high = mean - Z90 * math.sqrt(var), mean + Z90 * math.sqrt(var)
        else:
            low, high = beta_quantile(alpha, beta, 0.05), beta_quantile(alpha, beta, 0.95)
        families[name] = {
            "mean": mean,
            "low": low,
            "high": high,
            "observations": count,
            "effective": math.floor(1000 * weights * weights / squares + 0.5) if squares else 0,
            "contribution": 100 * family["weight"] * (mean - m),
        }
        score += 100 * family["weight"] * mean
        baseline += 100 * family["weight"] * m
        variance += family["weight"] ** 2 * var
    margin = 100 * Z90 * math.sqrt(variance)
    figures = {
        "points": score,
        "low": max(0.0, score - margin),
        "high": min(100.0, score + margin),
        "baseline": baseline,
    }
    return figures, families, counting


def inputs_hash(policy, counting, today):
    order = list(policy.kinds)
    names = list(policy.families)
    lines = [policy.version, iso(today)]
    for line in sorted(counting, key=lambda line: (names.index(line[0]), line[1], order.index(line[2]))):
        name, day, kind, *figures = line
        lines.append(" ".join([name.capitalize(), iso(day), kind, *map(str, figures)]))
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def iso(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


# Flags and tracks


def wilson(count, of):
    share, z = count / of, Z90
    centre = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return (centre - spread) / scale, (centre + spread) / scale


def is_rising(recent, before):
    """Newcombe 1998, method 10: the interval of the difference of two shares lies above 0."""
    if recent[1] == 0 or before[1] == 0:
        return False
    p1, p2 = recent[0] / recent[1], before[0] / before[1]
    low1, high2 = wilson(*recent)[0], wilson(*before)[1]
    return p1 - p2 - math.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2) > 0


def flags_and_track(policy, facts, families, today):
    now = facts["now"]
    outcomes = Counter()
    trend = {True: [0, 0], False: [0, 0]}
    to_keep = ("completed", "cancelled by provider", "failed", "no handover")
    for contract in facts["contracts"].values():
        outcome, day = outcome_of(facts, contract, today)
        if today - day >= 365:
            continue
        outcomes[outcome] += 1
        if outcome in to_keep:
            side = trend[today - day < 30]
            side[0] += outcome == "cancelled by provider"
            side[1] += 1
    decided = sum(outcomes[outcome] for outcome in to_keep)
    aside = outcomes["pending"] + outcomes["self-dealing"] + outcomes["minimal"]
    requests = sum(outcomes.values()) - aside

    days = service_days(facts)
    known_days = sum(1 for day, (known, _) in days.items() if known >= 950 and today - day < policy.families["uptime"]["horizon"])
    last = [kept for day, (_, kept) in days.items() if today - day < 30]
    served = Counter(
        contract["renter"]
        for contract in facts["contracts"].values()
        if contract["handed_over"] is not None and not tells_nothing(facts, contract)
    )

    found = []

    def flag(name, severity, count, of):
        found.append([name, severity, count, of])

    open_waits = [(now - opened, after) for opened, closed, after, _ in waits_in_contracts(facts) if closed is None]
    silent = [(lasted, after) for lasted, after in open_waits if lasted > after]
    if silent:
        grave = any(lasted > max(72 * 3600, after) for lasted, after in silent)
        flag("silent", "critical" if grave else "warning", len(silent), len(open_waits))

    def rate(name, count, of, least, share):
        if count >= least and count > share * of / 1000:
            flag(name, "warning", count, of)

    rate("provisioning-failures", outcomes["failed"] + outcomes["no handover"], decided, 3, 150)
    rate("provider-cancellations", outcomes["cancelled by provider"], decided, 3, 200)
    rate("no-responses", outcomes["no answer"], requests, 3, 100)
    rate("rejections", outcomes["declined"], requests, 5, 300)
    rate("bad-days", sum(kept < 500 for kept in last), len(last), 3, 100)
    machines = [bad for day, held, bad in machines_that_count(facts) if 0 <= today - day < 365 and held + bad]
    rate("claims-contradicted", sum(bad > 0 for bad in machines), len(machines), 3, 200)
    if trend[True][0] >= 3 and is_rising(trend[True], trend[False]):
        flag("cancellations-rising", "warning", *trend[True])
    rate("one-renter", max(served.values(), default=0), sum(served.values()), 5, 500)
    votes = [answers for monday, answers in votes_that_count(facts) if 0 <= today - monday < 365]
    measured = [families[name]["mean"] for name in ("uptime", "replies") if families[name]["effective"] >= 10_000]
    if len(votes) >= 10 and measured:
        yes, of = sum(sum(answers) for answers in votes), 2 * len(votes)
        if abs(yes / of - sum(measured) / len(measured)) > 0.35:
            flag("feedback-far-from-measured", "warning", yes, of)

    surveys = Counter(monday_by_which_final(vote["answers"][0][0]) for vote in facts["votes"])
    surveys = {monday: count for monday, count in surveys.items() if 0 <= today - monday < 720}
    for monday, count in sorted(surveys.items(), reverse=True):
        weeks = min(12, (monday - min(surveys)) // 7)
        before = sum(count for earlier, count in surveys.items() if monday - 7 * weeks <= earlier < monday)
        if today - monday < 90 and weeks >= 4 and count >= 10 and count * weeks >= 5 * before:
            flag("feedback-burst", "warning", count, count + before)
            break
    if facts["siblings"]["flagged"]:
        flag("sibling-flagged", "warning", facts["siblings"]["flagged"], facts["siblings"]["others"])

    if outcomes["completed"] == 0 and known_days < 7:
        track = "new"
    else:
        effective = sum(family["effective"] for family in families.values())
        enough = outcomes["completed"] >= 5 and len(served) >= 3 and effective >= 10_000
        track = "established" if enough else "vetting"
    return found, track


# Comparing


def work_out(policy, facts):
    today = day_of(facts["now"])
    figures, families, counting = score_of(policy, observations(policy, facts, today), today)
    flags, track = flags_and_track(policy, facts, families, today)
    found = {"track": track, "flags": sorted(flags), "score": None}
    if track != "new":
        found["score"] = {**figures, "families": families, "inputs_hash": inputs_hash(policy, counting, today)}
        if any(severity == "critical" for _, severity, *_ in flags):
            if figures["points"] > 49:
                found["score"]["capped_from"] = figures["points"]
            for end in ("points", "low", "high"):
                found["score"][end] = min(49.0, figures[end])
    return found


def differences(own, other, path=""):
    if isinstance(own, dict) and isinstance(other, dict):
        for key in sorted(own.keys() | other.keys()):
            yield from differences(own.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(own, float) and isinstance(other, (int, float)):
        if not abs(own - other) <= TOLERANCE:
            yield path, own, other
    elif own != other:
        yield path, own, other


def main():
    with open(sys.argv[1], encoding="utf-8") as document:
        policy = Policy(document.read())
    seen = Counter()
    for line in sys.stdin:
        provider = json.loads(line)
        own, other = work_out(policy, provider["facts"]), provider["found"]
        for path, mine, theirs in differences(own, other):
            print(f"{provider['provider']}: {path} is {mine} by the document, {theirs} in Rust", file=sys.stderr)
            return 1
        seen[own["track"]] += 1
        seen.update(name for name, *_ in own["flags"])
        seen["capped"] += bool(own["score"]) and "capped_from" in own["score"]
    print(f"{sum(seen[track] for track in ('new', 'vetting', 'established'))} providers agree: "
          + ", ".join(f"{count} {name}" for name, count in sorted(seen.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

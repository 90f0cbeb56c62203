#!/usr/bin/env python3
"""A third verifier of the log's bundles, on hashlib and cryptography, after RFC 9162 and the format that
shared/transparency/src/bundle.rs describes.

    verify.py KEY BUNDLE            checks signature and inclusion, prints each leaf's index and kind
    verify.py --tamper KEY BUNDLE   changes every byte of the bundle in turn; none of the outcomes may be believed
    verify.py --claim [--days N] KEYS BUNDLE
                                    checks completeness, too, and recomputes the uptime that the bundle claims, after docs/proof.md
    verify.py --witnessed WITNESSES KEYS BUNDLE
                                    checks cosignatures, too, and prints until when each witness has seen no other tree
"""

import base64
import datetime
import hashlib
import re
import sys
from collections import Counter

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Doubt(Exception):
    """Why a bundle is not believed."""


def require(holds, doubt):
    if not holds:
        raise Doubt(doubt)


def decode(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Doubt(f"no base64: {error}") from error
    require(base64.b64encode(data).decode() == text, "base64 with stray bits")
    return data


def decimal(text):
    require(text.isascii() and text.isdigit() and str(int(text)) == text and int(text) < 2**64, "no number")
    return int(text)


def after(prefix, line):
    require(line.startswith(prefix), f"no {prefix!r}")
    return line[len(prefix) :]


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_key(text, signature_type=b"\x01"):
    origin, key_id, key = text.strip().split("+", 2)
    key = decode(key)
    require(key[:1] == signature_type and len(key) == 33, "no Ed25519 key")
    require(sha256(origin.encode(), b"\n", key)[:4].hex() == key_id, "the key's id is wrong")
    return origin, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(key[1:])


def check_checkpoint(note, keys):
    require(not any(c < " " and c != "\n" for c in note), "control characters")
    text, separator, lines = note.rpartition("\n\n")
    require(separator and lines.endswith("\n"), "no signed note")
    text += "\n"
    origin = text.split("\n")[0]
    signatures = lines[:-1].split("\n")
    require(len(signatures) <= 64 and len(note.encode()) <= 128 * 1024, "the checkpoint is too long")
    signed = False
    for line in signatures:
        words = after("\N{EM DASH} ", line).split(" ")
        require(len(words) == 2 and words[0], "no signature line")
        signature = decode(words[1])
        require(len(signature) > 4, "no signature")
        for name, key_id, key in keys:
            if (words[0], signature[:4]) == (name, key_id) and name == origin:
                try:
                    key.verify(signature[4:], text.encode())
                except InvalidSignature as error:
                    raise Doubt("wrong signature") from error
                signed = True
    require(signed, "not signed by a known key")
    lines = text.split("\n")
    require(len(lines) == 4, "no checkpoint of three lines")
    root = decode(lines[2])
    require(len(root) == 32, "no hash")
    return origin, decimal(lines[1]), root


def cosigned(note, witness):
    """The last time at which the witness cosigned a note that has been checked."""
    name, key_id, key = witness
    text, _, lines = note.rpartition("\n\n")
    times = []
    for line in lines[:-1].split("\n"):
        _, signer, signature = line.split(" ")
        signature = decode(signature)
        if (signer, signature[:4]) != (name, key_id):
            continue
        seconds = int.from_bytes(signature[4:12], "big")
        try:
            key.verify(signature[12:], f"cosignature/v1\ntime {seconds}\n{text}\n".encode())
            times.append(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))
        except (InvalidSignature, ValueError, OverflowError) as error:
            raise Doubt(f"wrong cosignature of {name}") from error
    require(times, f"{name} has not cosigned")
    return max(times)


def check_inclusion(leaf, index, proof, size, root):
    """RFC 9162, section 2.1.3.2."""
    require(index < size, f"leaf {index} is not among the first {size}")
    node, last, result = index, size - 1, sha256(b"\0", leaf)
    for sibling in proof:
        require(last != 0, "the proof is too long")
        if node & 1 or node == last:
            result = sha256(b"\1", sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = sha256(b"\1", result, sibling)
        node, last = node >> 1, last >> 1
    require(last == 0, "the proof is too short")
    require(result == root, f"leaf {index} is not in the log")


def verify(bundle, keys):
    try:
        text = bundle.decode()
    except UnicodeDecodeError as error:
        raise Doubt("no text") from error
    head, _, rest = text.partition("\n\n")
    head = head.split("\n")
    require(len(head) == 2 and head[0] == "transparency-bundle/1", "no bundle")
    count = decimal(after("leaves ", head[1]))
    require(1 <= count <= 10_000, "no count of leaves")
    *parts, checkpoint = rest.split("\n\n", count)
    require(len(parts) == count, "leaves are missing")
    origin, size, root = check_checkpoint(checkpoint, keys)
    leaves = []
    for part in parts:
        lines = part.split("\n")
        require(len(lines) >= 2, "no leaf")
        leaf, index = decode(after("leaf ", lines[0])), decimal(after("index ", lines[1]))
        require(not leaves or leaves[-1][0] < index, "leaves are out of order")
        proof = [decode(line) for line in lines[2:]]
        require(len(proof) <= 63 and all(len(hash) == 32 for hash in proof), "no hash")
        check_inclusion(leaf, index, proof, size, root)
        leaves.append((index, leaf))
    return origin, size, leaves


NAME = r"[A-Za-z0-9._-]{1,64}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
UP, DOWN, UNKNOWN = "u", "nrtlsb", "gafcd"
LETTERS = UP + DOWN + UNKNOWN


def lines_of(record, *names):
    """The values of a record's lines after its kind, which have to be these and no others. A * stands for one or more."""
    require(record.endswith("\n"), "the record does not end with a line end")
    lines = record[:-1].split("\n")[1:]
    values = []
    for name in names:
        if name.startswith("*"):
            several = []
            while lines and lines[0].startswith(f"{name[1:]} "):
                several.append(after(f"{name[1:]} ", lines.pop(0)))
            values.append(several)
        else:
            require(lines, f"no line {name!r}")
            values.append(after(f"{name} ", lines.pop(0)))
    require(not lines, "text after the end")
    return values


def matches(form, text):
    require(re.fullmatch(form, text, re.ASCII), f"{text!r} is not of its form")
    return text


def number(text):
    value = decimal(text)
    require(value < 2**32, "a number is too large")
    return value


def moment(text):
    try:
        found = datetime.datetime.strptime(matches(TIME, text), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as error:
        raise Doubt("no time") from error
    require(found.year >= 1970, "no time of ours")
    return found


def slots_a_day(interval, phase):
    seconds = number(interval)
    require(seconds in [60 * minutes for minutes in range(1, 61) if 1440 % minutes == 0], "no interval")
    require(number(phase) < seconds, "no phase")
    return 86400 // seconds


def check_names(names):
    for name in names:
        matches(NAME, name)
    require(1 <= len(names) <= 16 and names == sorted(set(names)), "vantages are out of order")


def read_slots(text, expected):
    runs = re.findall(r"(\d*)(\D)", text)
    require("".join(length + letter for length, letter in runs) == text and runs, "no slots")
    counts, before = Counter(), None
    for length, letter in runs:
        require(letter == "." or letter.lower() in LETTERS, "an unknown letter")
        require(length == "" or (length[0] != "0" and length != "1" and len(length) <= 4), "no length")
        require(letter != before, "two runs are one")
        counts[letter] += int(length or 1)
        before = letter
    require(counts.total() == expected, "not as many slots as the interval says")
    return counts


class Day:
    """A record `day/1`."""

    def __init__(self, record):
        names = ["monitor", "sequence", "previous", "configuration", "day", "interval", "phase", "*vantage", "latency", "slots"]
        self.monitor, sequence, self.previous, version, day, interval, phase, vantages, latency, slots = lines_of(record, *names)
        matches(NAME, self.monitor)
        number(version)
        self.sequence = number(sequence)
        matches("-" if self.sequence == 0 else "[0-9a-f]{64}", self.previous)
        self.date = moment(day + "T00:00:00Z").date()
        count = slots_a_day(interval, phase)
        self.place = (self.monitor, self.sequence, self.previous, self.date, interval, phase)
        self.counts = read_slots(slots, count)
        expected = count - self.counts["."]
        vantages = [vantage.split(" ") for vantage in vantages]
        check_names([vantage[0] for vantage in vantages])
        seen = [[number(part) for part in vantage[1:]] for vantage in vantages]
        require(all(len(counts) == 3 and sum(counts) == expected for counts in seen), "counts do not sum to the slots")
        times = [] if latency == "-" else [number(part) for part in latency.split(" ")]
        answered = any(counts[0] for counts in seen)
        require(len(times) == (2 if answered else 0) and times == sorted(times), "latencies do not fit the answers")
        self.hash = sha256(record.encode()).hex()
        self.corrected = False


def read_end(record):
    names = ["monitor", "version", "from", "interval", "phase", "panel", "check", "target", "since", "ended"]
    monitor, version, begin, interval, phase, panel, check, target, since, ended = lines_of(record, *names)
    matches(NAME, monitor)
    number(version)
    moment(begin)
    slots_a_day(interval, phase)
    check_names(panel.split(" "))
    matches("https?|tcp|tls|ssh|dns", check)
    matches("[0-9a-f]{64}", target)
    require(moment(since) < moment(ended), "an end before the beginning")
    return monitor, moment(ended)


def correct(by, record, days):
    """Takes over what a record `correction/1` says is right, in place of one of these days, which came before it."""
    lines = record.split("\n", 3)
    require(len(lines) == 4, "the correction is cut off")
    wrong, reason = decimal(after("leaf ", lines[1])), after("reason ", lines[2])
    require(wrong < 2**63, "no place in a log")
    matches(r"[!-~]([ -~]{0,498}[!-~])?", reason)
    require(lines[3], f"leaf {wrong} is wrong, and how it is right is not said")
    require(lines[3].startswith("day/1\n"), "no day that is right")
    right = Day(lines[3])
    require(wrong in days and wrong < by, f"leaf {wrong} is no day before it")
    require(right.place == days[wrong].place, f"another day is in the place of leaf {wrong}")
    days[wrong].counts, days[wrong].corrected = right.counts, True


def claim(leaves, days_expected):
    """What the leaves of a bundle claim: each monitor's days and end, and the first and the last day of all."""
    series, ends, places = {}, {}, {}
    for index, leaf in leaves:
        try:
            record = leaf.decode("ascii")
        except UnicodeDecodeError as error:
            raise Doubt(f"leaf {index} is no text") from error
        kind = record.split("\n")[0]
        require(kind in ("day/1", "monitor/1", "correction/1"), f"leaf {index}, a {kind}, has no part in the claim")
        if kind == "day/1":
            day = Day(record)
            series.setdefault(day.monitor, []).append(day)
            places[index] = day
        elif kind == "correction/1":
            correct(index, record, places)
        else:
            monitor, end = read_end(record)
            require(monitor not in ends, f"{monitor} ends twice")
            ends[monitor] = end
    require(series and set(ends) <= set(series), "days are missing")
    first = min(day.date for days in series.values() for day in days)
    last = max(day.date for days in series.values() for day in days)
    one = datetime.timedelta(days=1)
    for monitor, days in series.items():
        for before, day in zip(days, days[1:]):
            follows = (day.sequence, day.date, day.previous) == (before.sequence + 1, before.date + one, before.hash)
            require(follows, f"{day.date} of {monitor} does not follow the day before it")
        require(days[0].date == first or days[0].sequence == 0, f"{monitor} begins late")
        if days[-1].date == last:
            ends.pop(monitor, None)
        else:
            require(monitor in ends, f"{monitor} ends early")
            last_slot = (ends[monitor] - datetime.timedelta(seconds=1)).date()
            require(days[-1].date >= last_slot, f"{monitor} ends before its end")
    found = (last - first).days + 1
    require(days_expected in (None, found), f"there are {found} days")
    return series, ends, first, last


def share(count, of):
    if of == 0:
        return "-"
    hundredths = count * 10_000 // of
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def figures(what, counts):
    def total(letters):
        return sum(counts[letter] for letter in letters)

    up, down, unknown, maintenance = total(UP), total(DOWN), total(UNKNOWN), total(LETTERS.upper())
    known, due = up + down, up + down + unknown
    uptime = share(up, known) if due and 100 * known >= 95 * due else "not enough data"
    print(f"  {what} {uptime}, bounds {share(up, due)} to {share(up + unknown, due)}, coverage {share(known, due)}")
    print(f"    of {due + maintenance} slots {up} up, {down} down, {unknown} unknown, {maintenance} maintenance")


def both_figures(counts):
    figures("uptime", counts)
    lower = Counter()
    for letter, count in counts.items():
        lower[letter.lower()] += count
    figures("raw uptime", lower)


def counted(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"


def print_claim(origin, size, leaves, days_expected):
    series, ends, first, last = claim(leaves, days_expected)
    print(f"log {origin} of size {size}")
    whole = Counter()
    for monitor, days in sorted(series.items()):
        counts = sum((day.counts for day in days), Counter())
        whole += counts
        end = f", ended {ends[monitor]:%Y-%m-%dT%H:%M:%SZ}" if monitor in ends else ""
        corrected = sum(day.corrected for day in days)
        end += f", {corrected} corrected" if corrected else ""
        print(f"\nmonitor {monitor}: {counted(len(days), 'day')}, {days[0].date} to {days[-1].date}{end}")
        both_figures(counts)
    print(f"\nall {counted(len(series), 'monitor')}: {counted((last - first).days + 1, 'day')}, {first} to {last}")
    both_figures(whole)


def main(arguments):
    tamper = arguments[:1] == ["--tamper"]
    claimed = arguments[:1] == ["--claim"]
    arguments = arguments[tamper or claimed :]
    witnesses = []
    if arguments[:1] == ["--witnessed"]:
        with open(arguments[1], encoding="utf-8") as file:
            witnesses = [read_key(line, b"\x04") for line in file.read().split("\n") if line]
        arguments = arguments[2:]
    days = None
    if claimed and arguments[0] == "--days":
        days, arguments = int(arguments[1]), arguments[2:]
    key_path, bundle_path = arguments
    with open(key_path, encoding="utf-8") as file:
        keys = [read_key(line) for line in file.read().split("\n") if line]
    with open(bundle_path, "rb") as file:
        bundle = bytearray(file.read())
    origin, size, leaves = verify(bundle, keys)
    if claimed:
        print_claim(origin, size, leaves, days)
        return
    if witnesses:
        parts = bundle.decode().rsplit("\n\n", 2)
        times = [cosigned("\n\n".join(parts[1:]), witness) for witness in witnesses]
        for (name, _, _), time in zip(witnesses, times):
            print(f"witnessed by {name} until {time:%Y-%m-%dT%H:%M:%SZ}")
        return
    if not tamper:
        for index, leaf in leaves:
            print(index, leaf.split(b"\n")[0].decode())
        return
    for at in range(len(bundle)):
        for bit in range(8):
            bundle[at] ^= 1 << bit
            try:
                verify(bundle, keys)
            except Doubt:
                pass
            else:
                raise Doubt(f"bit {bit} of byte {at} was changed and not noticed")
            bundle[at] ^= 1 << bit
    print(len(bundle) * 8, "changes, all refused")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Doubt as doubt:
        sys.exit(f"not proven: {doubt}")

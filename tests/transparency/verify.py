#!/usr/bin/env python3
"""A third verifier of the log's bundles, on hashlib and cryptography, after RFC 9162 and the format that
shared/transparency/src/bundle.rs describes.

    verify.py KEY BUNDLE            checks signature and inclusion, prints each leaf's index and kind
    verify.py --tamper KEY BUNDLE   changes every byte of the bundle in turn; none of the outcomes may be believed
"""

import base64
import hashlib
import sys

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


def read_key(text):
    origin, key_id, key = text.strip().split("+", 2)
    key = decode(key)
    require(key[:1] == b"\x01" and len(key) == 33, "no Ed25519 key")
    require(sha256(origin.encode(), b"\n", key)[:4].hex() == key_id, "the key's id is wrong")
    return origin, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(key[1:])


def check_checkpoint(note, origin, key_id, key):
    require(not any(c < " " and c != "\n" for c in note), "control characters")
    text, separator, lines = note.rpartition("\n\n")
    require(separator and lines.endswith("\n"), "no signed note")
    text += "\n"
    signed = False
    for line in lines[:-1].split("\n"):
        words = after("\N{EM DASH} ", line).split(" ")
        require(len(words) == 2, "no signature line")
        signature = decode(words[1])
        if (words[0], signature[:4]) == (origin, key_id):
            try:
                key.verify(signature[4:], text.encode())
            except InvalidSignature as error:
                raise Doubt("wrong signature") from error
            signed = True
    require(signed, "not signed by this key")
    lines = text.split("\n")
    require(len(lines) == 4 and lines[0] == origin, "no checkpoint of this log")
    root = decode(lines[2])
    require(len(root) == 32, "no hash")
    return decimal(lines[1]), root


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


def verify(bundle, key):
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
    size, root = check_checkpoint(checkpoint, *key)
    leaves = []
    for part in parts:
        lines = part.split("\n")
        require(len(lines) >= 2, "no leaf")
        leaf, index = decode(after("leaf ", lines[0])), decimal(after("index ", lines[1]))
        require(not leaves or leaves[-1][0] < index, "leaves are out of order")
        proof = [decode(line) for line in lines[2:]]
        require(all(len(hash) == 32 for hash in proof), "no hash")
        check_inclusion(leaf, index, proof, size, root)
        leaves.append((index, leaf))
    return leaves


def main(arguments):
    tamper = arguments[:1] == ["--tamper"]
    key_path, bundle_path = arguments[tamper:]
    with open(key_path, encoding="utf-8") as file:
        key = read_key(file.read())
    with open(bundle_path, "rb") as file:
        bundle = bytearray(file.read())
    leaves = verify(bundle, key)
    if not tamper:
        for index, leaf in leaves:
            print(index, leaf.split(b"\n")[0].decode())
        return
    for at in range(len(bundle)):
        for bit in range(8):
            bundle[at] ^= 1 << bit
            try:
                verify(bundle, key)
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
        sys.exit(str(doubt))

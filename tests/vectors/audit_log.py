#!/usr/bin/env python3
"""Verifies an exported audit log from nothing but the file and public keys: docs/formats/audit-log.md.

    audit_log.py FILE LOG-KEY [QUORUM WITNESS-KEY...]       says size and root, or the first line that is wrong
"""
import base64
import hashlib
import json
import re
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE_MAX, NOTE_MAX, NUMBER_MAX, TIME_MAX = 262144, 131072, 2**53 - 1, 253402300799999
OUTCOMES = {"allowed": 1, "refused": 2, "failed": 3}
TEXTS = {"actor": 256, "action": 64, "tenant": 257, "subject": 512, "detail": 2048}
EXTRAS = [  # type 1 first; a text's bound in bytes, or the kind
    ("request_id", 128), ("server", 255), ("program_digest", "digest"), ("source", 128), ("authentication", 32),
    ("credential_digest", "digest"), ("key_version", "number"), ("key_use", "number"), ("purpose", 64),
    ("context_digest", "digest"), ("policy", 128), ("policy_digest", "digest"), ("tee", 32),
    ("evidence_digest", "digest"), ("job", 128)]
TYPES = {name: position + 1 for position, (name, _) in enumerate(EXTRAS)}


def need(condition, what):
    if not condition:
        raise ValueError(what)


def plain(text):
    return isinstance(text, str) and not re.search("[\0-\x1f\x7f-\x9f]", text)


def key_name(text):
    return plain(text) and 1 <= len(text.encode()) <= 255 and not re.search(r"[\s+]", text)


def number(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBER_MAX


def from_hex(text):
    need(isinstance(text, str) and re.fullmatch(r"([0-9a-f]{2})*", text), "hexadecimal")
    return bytes.fromhex(text)


def from_base64(text):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text, "base64")
    return raw


class Key:
    """NAME+ID+BASE64(type || public key). ML-10."""

    def __init__(self, text, kind):
        self.name, identifier, encoded = (text.split("+", 2) + ["", ""])[:3]
        raw = from_base64(encoded)
        self.kind, self.public = kind, raw[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        need(key_name(self.name) and raw[:1] == bytes([kind]) and len(raw) == 33, "the name, type or length of a key")
        need(self.id.hex() == identifier, "the id of a key")

    def check(self, text, signature):
        if self.kind == 4:
            need(len(signature) == 72 and signature[0] < 128, "the length or time of a cosignature")
            text = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", signature[:8]) + text
            signature = signature[8:]
        Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)


def open_checkpoint(note, keys):
    """Origin, size and root of a signed note, and the keys that signed it. ML-11, ML-12, ML-14."""
    need(len(note.encode()) <= NOTE_MAX and all(plain(line) for line in note.split("\n")), "size or text of a note")
    text, gap, block = note.rpartition("\n\n")
    lines, signed = block.split("\n"), set()
    need(gap and lines.pop() == "" and 1 <= len(lines) <= 100, "the signatures of a note")
    for line in lines:
        dash, name, encoded = (line.split(" ", 2) + ["", ""])[:3]
        raw = from_base64(encoded)
        need(dash == "\u2014" and key_name(name) and 5 <= len(raw) <= 8196, "a signature line")
        for key in keys:
            if (key.name, key.id) == (name, raw[:4]):
                key.check(text.encode() + b"\n", raw[4:])
                signed.add(key)
    body = text.split("\n")
    need(len(body) >= 3 and all(body), "the lines of a checkpoint")
    need(re.fullmatch(r"0|[1-9][0-9]{0,19}", body[1], re.ASCII) and int(body[1]) < 2**64, "the size of a checkpoint")
    return body[0], int(body[1]), from_base64(body[2]), signed


def read_json(line):
    """ML-18. What isn't allowed becomes None, which is then refused as every null is."""
    text = line.decode()
    need(plain(text) and text.startswith("{") and text.endswith("}"), "the form of a line")
    value = json.loads(text, parse_float=lambda _: None, parse_constant=lambda _: None,
                       parse_int=lambda digits: int(digits) if digits.isdecimal() else None,
                       object_pairs_hook=lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else None)
    json.dumps(value, ensure_ascii=False).encode()  # fails for half a surrogate pair
    for name, member in ({"": None} if value is None else value).items():
        need(isinstance(member, dict if name == "extras" else str) or number(member), f"the type of {name[:20]}")
    return value


def extra(name, value):
    """(type, value in bytes). ML-9, ML-19."""
    by_type = re.fullmatch(r"type-([1-9][0-9]{0,4})", name, re.ASCII)
    kind = int(by_type[1]) if by_type else TYPES.get(name)
    need(kind and kind <= 65535, "an extra by an unknown name")
    rule = EXTRAS[kind - 1][1] if kind <= len(EXTRAS) else None
    if rule == "number" and not by_type:
        need(number(value), "a number")
        return kind, struct.pack("<Q", value)
    need(isinstance(value, str), "the type of an extra")
    raw = value.encode() if isinstance(rule, int) and not by_type else from_hex(value)
    need(len(raw) <= {"digest": 32, "number": 8, None: 256}.get(rule, rule), "the length of an extra")
    need(rule != "digest" or len(raw) == 32, "a digest")
    need(rule != "number" or len(raw) == 8 and struct.unpack("<Q", raw)[0] <= NUMBER_MAX, "a number")
    need(not isinstance(rule, int) or raw and plain(raw.decode(errors="replace").replace("\ufffd", "\0")), "a text")
    return kind, raw


def encode(record):
    """The leaf of a record. ML-8."""
    need(record.keys() - {"extras"} == {"index", "time", "outcome", "leaf", *TEXTS}, "the members of a record")
    need(number(record["index"]) and number(record["time"]) and record["time"] <= TIME_MAX, "the index or time")
    need(all(plain(record[name]) and len(record[name].encode()) <= TEXTS[name] for name in TEXTS), "a text")
    need(record["outcome"] in OUTCOMES, "the outcome")
    inner = record.get("extras", {})
    extras = dict(extra(name, value) for name, value in inner.items())
    need(len(extras) == len(inner) <= 32, "the number of extras")
    leaf = struct.pack("<BQQB", 1, record["index"], record["time"], OUTCOMES[record["outcome"]])
    leaf += b"".join(struct.pack("<H", len(record[name].encode())) + record[name].encode() for name in TEXTS)
    tail = b"".join(struct.pack("<HH", kind, len(raw)) + raw for kind, raw in sorted(extras.items()))
    return leaf + bytes([len(extras)]) + tail


class Verifier:
    """Takes the lines one by one. ML-21."""

    def __init__(self, log_key, witnesses, quorum):
        need(len({key.public for key in (log_key, *witnesses)}) == 1 + len(witnesses), "one key twice")
        need(min(1, len(witnesses)) <= quorum <= len(witnesses), "the quorum")
        need(re.fullmatch(r".+/[^/]+", log_key.name), "an origin")
        self.log_key, self.witnesses, self.quorum = log_key, witnesses, quorum
        self.started, self.peaks, self.size, self.result = False, [], 0, None

    def root(self):
        root = self.peaks[-1] if self.peaks else hashlib.sha256(b"").digest()
        for left in reversed(self.peaks[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root

    def take(self, line):
        need(line.endswith(b"\n") and len(line) <= LINE_MAX + 1, "the end: cut, too long, or without a checkpoint")
        need(self.result is None, "a line after the checkpoint")
        value = read_json(line[:-1])
        if not self.started:
            need(value == {"format": "cloister-audit-log", "version": 1, "origin": self.log_key.name}, "the header")
            self.started = True
        elif value.keys() == {"checkpoint"} and isinstance(value["checkpoint"], str):
            *head, signed = open_checkpoint(value["checkpoint"], [self.log_key, *self.witnesses])
            need(head == [self.log_key.name, self.size, self.root()], "a checkpoint of other records")
            need(self.log_key in signed and len(signed) > self.quorum, "signatures that are missing")
            self.result = self.size, self.root()
        else:
            self.take_record(value)

    def take_record(self, record):
        leaf, carry = hashlib.sha256(b"\x00" + encode(record)).digest(), self.size
        owner, tenant = self.log_key.name.rpartition("/")[2], record["tenant"]
        need(record["index"] == self.size, "the index")
        need(tenant == "" if owner == "-" else (tenant + "/").startswith(owner + "/"), "the tenant")
        need(record["leaf"] == leaf.hex(), "a record that was changed")
        while carry & 1:
            leaf, carry = hashlib.sha256(b"\x01" + self.peaks.pop() + leaf).digest(), carry >> 1
        self.peaks.append(leaf)
        self.size += 1


def main(path, log_key, quorum="0", *witnesses):
    position = 0
    try:
        verifier = Verifier(Key(log_key, 1), [Key(text, 4) for text in witnesses], int(quorum))
        with open(path, "rb") as file:
            while (line := file.readline(LINE_MAX + 2)) or verifier.result is None:
                position += 1
                verifier.take(line)
    except (ValueError, RecursionError, InvalidSignature) as error:
        print(f"line {position}: {type(error).__name__}: {error}")
        return 1
    print(f"size {verifier.result[0]} root {verifier.result[1].hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The text files of sealed-object/, as its README.md has them: writing, reading, holding the reader against one."""
import base64
import hashlib
import re
import sys
from types import SimpleNamespace

MANY = {"comment", "dataset_key", "software_key", "hpke_seed"}
LINE_BYTES = 90  # 120 columns of base64


def encode_object(data):
    """Lines of base64, and `zeros N` for long runs of zeros."""
    lines, at = [], 0
    for zeros in re.finditer(rb"\0{64,}", data):
        lines += encode_base64(data[at:zeros.start()]) + [f"zeros {len(zeros.group())}"]
        at = zeros.end()
    return lines + encode_base64(data[at:])


def encode_base64(data):
    return [base64.b64encode(data[at:at + LINE_BYTES]).decode() for at in range(0, len(data), LINE_BYTES)]


def decode_object(lines):
    return b"".join(bytes(int(line[6:])) if line.startswith("zeros ") else base64.b64decode(line) for line in lines)


def parse(path):
    fields, lines = {key: [] for key in MANY}, path.read_text().splitlines()
    body = lines.index("object:") if "object:" in lines else len(lines)
    for line in lines[:body]:
        key, value = line.split(": ", 1)
        if key in MANY:
            fields[key].append(value)
        else:
            assert key not in fields, f"{path}: {key} twice"
            fields[key] = value
    fields["object"] = decode_object(lines[body + 1:])
    return fields


def wrapping_keys(fields):
    local = {}
    for field, kind in (("dataset_key", 1), ("software_key", 2)):
        for text in fields[field]:
            key_id, version, key = text.rsplit(":", 2)
            local[kind, key_id.encode(), int(version)] = bytes.fromhex(key)
    passphrase = fields["passphrase"].encode() if "passphrase" in fields else None
    seeds = [bytes.fromhex(seed) for seed in fields["hpke_seed"]]
    return SimpleNamespace(local=local, passphrase=passphrase, hpke_seeds=seeds)


def expected_warnings(fields):
    if fields.get("slot_copy_damaged") == "yes":
        yield "one slot copy is damaged"
    if fields.get("torn_bytes", "0") != "0":
        yield f"torn tail of {fields['torn_bytes']} bytes"
    if fields.get("log") == "open":
        yield "the log is open: frames may be missing at its end"


def differences(fields, verify):
    """What is wrong: nothing for a vector that does what it should, None when it could not be assessed here."""
    from sealed_object import open_bytes
    from sealed_object_primitives import Refused
    expect = fields.get("expect_verify", fields["expect"]) if verify else fields["expect"]
    try:
        payload, warnings = open_bytes(fields["object"], wrapping_keys(fields), verify)
    except Refused as refusal:
        if refusal.not_assessed:
            return None
        as_due = refusal.code == expect and refusal.rule == fields["rule"]
        return [] if as_due else [f"{refusal} where {expect} by {fields.get('rule')} is due"]
    if expect != "valid":
        return [f"opens where {expect} is due"]
    wrong = []
    if (len(payload), hashlib.sha256(payload).hexdigest()) != (int(fields["payload_length"]), fields["payload_sha256"]):
        wrong.append("payload differs")
    if {w for w in warnings if not w.startswith("run ")} != set(expected_warnings(fields)):
        wrong.append(f"warns of {warnings}")
    return wrong


def check_folder(folder):
    """0 when every vector does what it says."""
    counts = {"as expected": 0, "NOT AS EXPECTED": 0, "not assessed": 0}
    for path in sorted(folder.glob("*.txt")):
        fields = parse(path)
        for verify in (False, True) if "expect" in fields else ():
            wrong = differences(fields, verify)
            outcome = "not assessed" if wrong is None else "NOT AS EXPECTED" if wrong else "as expected"
            counts[outcome] += 1
            if wrong is None or wrong:
                print(f"{path.name} ({'verify' if verify else 'open'}): {outcome}", *(wrong or []), sep="\n  ")
    print(*(f"{count} {outcome}" for outcome, count in counts.items()), sep=", ")
    sys.stdout.flush()
    return 0 if counts["as expected"] and not counts["NOT AS EXPECTED"] else 1

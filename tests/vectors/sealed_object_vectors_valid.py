"""Objects that open, and those that only a full verification refuses."""
from dataclasses import dataclass, field
from typing import Optional

from sealed_object_writer import (DATASET, SOFTWARE_KEY, TENANT, Sealed, Slot, hpke_slot, passphrase_slot, random,
                                  software_slot, xwing_slot)


@dataclass
class Vector:
    name: str
    comment: str
    object: bytes
    expect: str = "valid"
    rule: str = ""
    payload: Optional[bytes] = None
    expect_verify: str = ""
    keys: tuple = ("dataset",)
    more: dict = field(default_factory=dict)


def valid(name, comment, keys=("dataset",), expect_verify="", rule="", more=None, **spec):
    sealed = Sealed(name, **spec)
    return Vector(name, comment, sealed.build(), "valid", rule, sealed.payload, expect_verify, keys, more or {})


def put(offset, data):
    """A door that overwrites."""
    return lambda page: page[:offset] + data + page[offset + len(data):]


def flip(offset):
    """A door that inverts a bit."""
    return lambda page: page[:offset] + bytes([page[offset] ^ 0x10]) + page[offset + 1:]


def cbor_text(text):
    assert len(text) < 24
    return bytes([0x60 + len(text)]) + text


META_FULL = (b"\xa5\x01" + cbor_text(b"application/json") + b"\x02" + cbor_text("données.json".encode()) +
             b"\x03\x1b" + (1767225600123).to_bytes(8, "big") + b"\x04\x1b" + (1764547200000).to_bytes(8, "big") +
             b"\x05\x19" + (0o640).to_bytes(2, "big"))
META_UNKNOWN = (b"\xa3\x02" + cbor_text(b"a.txt") + b"\x18\x40\x82\x20" +  # 64: [-1, {1: h'00', "a": []}]
                b"\xa2\x01\x41\x00\x61a\x80" + b"\x19\x03\xe8\x81\x81\x81\x00")  # 1000: [[[0]]], the fourth level


def bytes_for(name, size):
    return random(name, "payload", size)


def sized(name, comment, size, **spec):
    return valid(name, comment, payload=bytes_for(name, size), **spec)


def payload_sizes():
    chunk = 1 << 14
    yield valid("empty", "no payload, C = 64 KiB, S = 1: the format's first worked example", payload=b"", chunk_log2=16)
    yield valid("empty-chacha20", "no payload, ChaCha20-Poly1305", payload=b"", suite=2)
    yield valid("empty-streamed", "no payload, length not known in advance, S = 256", payload=b"", known_length=False,
                group_log2=8)
    for size, what in ((1, "1"), (chunk - 1, "C-minus-1"), (chunk, "C"), (chunk + 1, "C-plus-1"),
                       (2 * chunk - 1, "SC-minus-1"), (2 * chunk, "SC"), (2 * chunk + 1, "SC-plus-1")):
        yield sized(f"length-{what}", f"{size} bytes, C = 16 KiB, S = 2", size, group_log2=1)
    yield sized("length-SC-plus-1-chacha20", "32769 bytes, C = 16 KiB, S = 2", 2 * chunk + 1, group_log2=1, suite=2)
    yield sized("length-C-plus-1-groups-of-one", "16385 bytes, C = 16 KiB, S = 1: two groups", chunk + 1, suite=2)
    yield sized("worked-example-two-groups", "150000 bytes, C = 64 KiB, S = 2: the third worked example", 150000,
                chunk_log2=16, group_log2=1)
    yield sized("chunk-1-MiB", "1000 bytes, C = 1 MiB, S = 256", 1000, chunk_log2=20, group_log2=8)
    yield sized("chunk-4-MiB", "1000 bytes, C = 4 MiB, S = 2^32: the bounds", 1000, chunk_log2=22, group_log2=32)
    yield sized("streamed", "17000 bytes, length not known in advance", 17000, known_length=False, group_log2=8)
    yield sized("payload-digest", "with the digest of the payload", 1000, digest=True)
    yield sized("payload-digest-chacha20", "the same under ChaCha20-Poly1305", 1000, digest=True, suite=2)


def slots():
    yield valid("two-slots-dataset-key", "a dataset key's slot and a passphrase's; opened with the dataset key",
                slots=[Slot(), passphrase_slot()])
    yield valid("two-slots-passphrase", "the same two; opened with the passphrase", ("passphrase",),
                slots=[Slot(), passphrase_slot(cost=(64, 2, 2))])
    yield valid("hpke-x25519", "one slot to a recipient", ("hpke",), slots=[hpke_slot()])
    yield valid("hpke-xwing", "a slot to an X-Wing recipient and a dataset key's", slots=[xwing_slot(), Slot()])
    yield valid("hpke-xwing-alone", "the recipient's seed alone; not assessed by a reader without ML-KEM", ("xwing",),
                slots=[xwing_slot()])
    yield valid("software-key", "slot type 2", ("software",), slots=[software_slot()])
    yield valid("pkcs11-and-dataset-key", "a token's slot stands first and isn't ours", slots=[
        Slot(kind=3, key_id=b"pkcs11:token=hsm;object=kek", parameters=bytes(range(12))), Slot()])
    yield valid("unknown-slot-type", "slots of types 7 and 0xFFFF are skipped", rule="SO-5", slots=[
        Slot(kind=7, body=lambda _: b"from a later version"), Slot(kind=0xFFFF, body=lambda _: b""), Slot()])
    yield valid("secret-share-first", "a share with its own sizes is skipped, another slot opens", rule="SO-5", slots=[
        Slot(share=(1, 2), parameters=b"xy", ciphertext=b"z"), Slot()])
    yield valid("first-slot-does-not-open", "a slot of our key with a wrong tag, then a good one", rule="SO-5",
                slots=[Slot(ciphertext=bytes(72)), Slot()])
    yield valid("other-tenants-slot", "a slot may name another tenant than the preamble; its wrap is bound to it",
                slots=[Slot(tenant=b"acme/production")])
    yield valid("argon2-above-the-bound-beside-another", "a slot that may not be tried, then one that opens",
                ("dataset", "passphrase"), rule="SO-8", slots=[passphrase_slot(cost=(2**20 + 1, 1, 1)), Slot()])
    others = [Slot(version=version) for version in range(100, 163)]
    yield valid("slots-64", "as many as may be, ours the last", rule="SO-6", slots=others + [Slot()], slots_cap=16384)
    yield valid("slots-cap-8192", "slot copies of 8192 bytes", slots_cap=8192)
    yield valid("key-id-512", "the longest key id", ("dataset",), slots=[Slot(key_id=b"k" * 512), Slot()])


def three_shares(threshold=2, **changes):
    """Under the dataset key, the software key and the recipient's; `changes` names what is other than due in one."""
    makers = {"dataset": Slot, "software": software_slot, "hpke": hpke_slot}
    return [maker(**{**dict(share=(index, threshold), shared=True), **changes.get(name, {})})
            for index, (name, maker) in enumerate(makers.items(), 1)]


def shares():
    for keys in (("dataset", "software"), ("hpke", "dataset"), ("software", "hpke"), ("dataset", "software", "hpke")):
        yield valid(f"shares-2-of-3-{'-'.join(keys)}", "two shares of three make the key", keys, rule="SO-20",
                    slots=three_shares())
    yield valid("shares-3-of-3", "every share is needed", ("dataset", "software", "hpke"), rule="SO-20",
                slots=three_shares(3))
    yield valid("shares-at-the-ends", "indices 1 and 255, the last two of many", ("dataset", "hpke"), rule="SO-20",
                slots=three_shares(hpke=dict(share=(255, 2))))
    yield valid("shares-beside-a-whole-wrap", "the whole key is wrapped too", ("passphrase",), rule="SO-20",
                slots=three_shares() + [passphrase_slot()])
    yield valid("shares-that-disagree-beside-a-whole-wrap", "the whole key's slot is tried first", rule="SO-20",
                slots=[Slot(), software_slot(share=(1, 2), shared=True), hpke_slot(share=(1, 3), shared=True)])


def slot_copies():
    other = [Slot(version=9, key=SOFTWARE_KEY)]
    damaged = dict(expect_verify="corrupt", rule="SO-4", more={"slot_copy_damaged": "yes"})
    yield valid("slot-copy-A-damaged", "opens by copy B, with a warning", copy_a=flip(100), **damaged)
    yield valid("slot-copy-B-damaged", "opens by copy A, with a warning", copy_b=flip(4000), **damaged)
    yield valid("slot-copy-A-erased", "copy A is zeros", copy_a=lambda copy: bytes(len(copy)), **damaged)
    yield valid("slot-seq-higher-in-B", "A is stale", rule="SO-4", slots=other, slots_b=[Slot()], seq=(1, 2))
    yield valid("slot-seq-higher-in-A", "B is stale", rule="SO-4", slots_b=other, seq=(3, 2))
    yield valid("slot-seq-equal", "A counts", rule="SO-4", slots_b=other, seq=(5, 5))
    yield valid("slot-seq-beyond-32-bits", "seq is a u64", rule="SO-4", slots=other, slots_b=[Slot()],
                seq=(2**32 - 1, 2**32))
    yield valid("slot-seq-2-to-63-minus-1", "the highest seq", rule="SO-4", slots=other, slots_b=[Slot()],
                seq=(2**63 - 2, 2**63 - 1))
    yield valid("slot-copy-stale-malformed", "B is stale, its crc is right, its records aren't", rule="SO-5",
                slots_b=[Slot(zero=1)], seq=(2, 1), expect_verify="corrupt", more={"slot_copy_damaged": "yes"})


def context_and_meta():
    yield valid("context-tenant-alone", "no dataset, no keyring id", tlvs=[(1, TENANT)])
    yield valid("context-tenant-128", "the longest tenant, in two-byte letters", tlvs=[(1, "é".encode() * 64)],
                slots=[Slot(tenant="é".encode() * 64)])
    yield valid("context-unknown-above-0x8000", "unknown records from 0x8000 up are skipped", rule="SO-2",
                tlvs=[(1, TENANT), (2, DATASET), (0x8000, b""), (0xFFFF, b"\x00\xff later")])
    yield valid("context-full", "records fill the area up to its end record", rule="SO-2",
                tlvs=[(1, TENANT), (0x8001, bytes(3864 - 4 - 4 - len(TENANT) - 4))])
    yield valid("meta-full", "all five keys", meta=META_FULL)
    yield valid("meta-full-chacha20", "all five keys", meta=META_FULL, suite=2)
    yield valid("meta-unknown-keys", "unknown keys from 64 up are skipped, nested to the fourth level", rule="SO-11",
                meta=META_UNKNOWN)
    yield valid("meta-of-two-pages", "META longer than a page: data_off moves",
                meta=b"\xa1\x18\x40\x59\x13\x88" + bytes(5000))


def verify_only():
    """Open, but a full verification finds them out."""
    only = dict(expect_verify="corrupt", rule="SO-17")
    yield valid("tags-digest-wrong", "footer's mac is right over a wrong tags_digest", footer=flip(60), **only)
    yield valid("payload-digest-does-not-open", "the digest's tag is wrong", digest=True, footer=flip(140), **only)
    sealed = Sealed("payload-digest-wrong", digest=True)
    sealed.head()
    wrong = put(96, sealed.seal_once(b"digest", bytes(32)))
    yield valid("payload-digest-wrong", "it opens to another digest", digest=True, footer=wrong, **only)


def valid_objects():
    yield from payload_sizes()
    yield from slots()
    yield from shares()
    yield from slot_copies()
    yield from context_and_meta()
    yield from verify_only()

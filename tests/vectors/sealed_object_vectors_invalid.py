"""Objects that break one rule each, and are right in everything after the break."""
from sealed_object_vectors_valid import Vector, bytes_for, cbor_text, flip, put, three_shares
from sealed_object_writer import (DATASET, SOFTWARE_KEY, TENANT, Sealed, Slot, hpke_slot, le, passphrase_slot, prefixed,
                                  software_slot)

CHUNK = 1 << 14
DATA = 16384  # data_off of nearly all of them


def bad(name, comment, rule, expect="corrupt", keys=("dataset",), **spec):
    return Vector(name, comment, Sealed(name, **spec).build(), expect, rule, keys=keys)


def damaged(name, comment, rule, size, **spec):
    return bad(name, comment, rule, payload=bytes_for(name, size), **spec)


def beginnings():
    yield bad("magic-wrong", "another digit in the magic", "SO-1", "invalid", header=put(5, b"2"))
    yield bad("magic-lf", "text mode turned CR LF into LF", "SO-1", "invalid",
              file=lambda data: data.replace(b"\r\n", b"\n"))
    yield bad("magic-cr-cr-lf", "text mode turned LF into CR LF", "SO-1", "invalid",
              file=lambda data: data.replace(b"\n", b"\r\n"))
    yield bad("magic-seven-bits", "the high bit of every byte was lost", "SO-1", "invalid",
              file=lambda data: bytes(byte & 0x7F for byte in data))
    for version in (0, 2):
        yield bad(f"version-{version}", "another version", "SO-1", "unsupported", public=put(8, le(version, 2)))
    for suite in (0, 3, 0x10):
        yield bad(f"suite-{suite:#x}", "a suite that version 1 doesn't have", "SO-1", "unsupported", suite=suite)
    for bit in (1, 2, 3, 15):
        yield bad(f"flag-{bit}", f"flag bit {bit}", "SO-1", "unsupported", flags=1 << bit)
    yield bad("crc-wrong", "a bit of the crc", "SO-2", page=flip(196))
    yield bad("salt-bit-rot", "a bit of the salt, the crc as before", "SO-2", page=flip(40))
    yield bad("mac-wrong", "a bit of the mac, the crc right", "SO-19", header_mac=flip(4070))
    yield bad("mac-of-another-length", "plaintext_len made unknown after the mac, the crc right", "SO-19",
              header_mac=put(136, b"\xff" * 8))
    yield bad("salt-changed", "another salt, the crc right: other keys", "SO-7", header_mac=flip(40))
    yield bad("suite-changed", "the other suite, the crc right: other keys", "SO-7", header_mac=put(10, le(2, 2)))
    yield bad("context-changed", "another keyring id, the crc right: other keys", "SO-7", header_mac=flip(230))
    yield bad("object-id-changed", "another object id, the crc right: no slot opens", "SO-5", "denied",
              header_mac=flip(16))
    yield bad("commitment-changed", "another commitment, the crc right: no slot opens", "SO-5", "denied",
              header_mac=flip(64))
    yield bad("dataset-changed", "another dataset, the crc right: no slot opens", "SO-5", "denied",
              header_mac=put(212, b"d"))


def preamble_fields():
    for log2 in (13, 23):
        yield bad(f"chunk-log2-{log2}", "chunk size out of bounds", "SO-2", chunk_log2=log2)
    yield bad("group-log2-33", "group size out of bounds", "SO-2", group_log2=33)
    yield bad("group-log2-64", "group size that overflows", "SO-2", group_log2=64)
    for name, offset, size, value, rule in (
            ("slots-off-0", 96, 8, 0, "SO-3"), ("slots-off-8192", 96, 8, 8192, "SO-3"),
            ("slots-cap-0", 104, 4, 0, "SO-2"), ("slots-cap-6144", 104, 4, 6144, "SO-2"),
            ("slots-cap-2-to-31", 104, 4, 2**31, "SO-2"), ("slots-cap-8192-claimed", 104, 4, 8192, "SO-3"),
            ("slot-copies-1", 108, 4, 1, "SO-3"), ("slot-copies-3", 108, 4, 3, "SO-3"),
            ("meta-off-one-page-on", 112, 8, DATA, "SO-3"), ("meta-off-2-to-64-minus-1", 112, 8, 2**64 - 1, "SO-3"),
            ("meta-len-16", 120, 8, 16, "SO-2"), ("meta-len-above-bound", 120, 8, 2**20 + 1, "SO-2"),
            ("meta-len-2-to-64-minus-1", 120, 8, 2**64 - 1, "SO-2"),
            ("data-off-one-page-on", 128, 8, DATA + 4096, "SO-3"),
            ("data-off-unaligned", 128, 8, 12305, "SO-3"),
            ("data-off-2-to-64-minus-4096", 128, 8, 2**64 - 4096, "SO-3"),
            ("plaintext-len-above-bound", 136, 8, 2**50 + 1, "SO-2"),
            ("plaintext-len-2-to-64-minus-2", 136, 8, 2**64 - 2, "SO-2"),
            ("plaintext-len-2-to-50", 136, 8, 2**50, "SO-16"), ("plaintext-len-one-page-more", 136, 8, 4101, "SO-16"),
            ("plaintext-len-one-more", 136, 8, 6, "SO-16")):
        yield bad(name, "a field of the preamble, mac and crc right", rule, header=put(offset, le(value, size)))
    yield bad("slots-cap-above-bound", "slot copies of 2^20 + 4096 bytes, all in place", "SO-2", slots_cap=2**20 + 4096)
    yield bad("meta-len-0", "an object without META", "SO-2", meta=b"")
    yield bad("run-number-1", "a run number in an object", "SO-2", run_number=1)
    yield bad("meta-larger-than-the-file", "META of a mebibyte in a file of 24 KiB", "SO-2",
              header=lambda page: put(120, le(2**20, 8))(put(128, le(12288 + 2**20, 8))(page)))


def public_context():
    for name, comment, tlvs in (
            ("order", "types descend", [(2, DATASET), (1, TENANT)]),
            ("duplicate", "tenant twice", [(1, TENANT), (1, TENANT)]),
            ("no-tenant", "no tenant", [(2, DATASET)]),
            ("empty", "no record at all", []),
            ("tenant-empty", "tenant of no bytes", [(1, b"")]),
            ("tenant-129", "tenant of 129 bytes", [(1, b"t" * 129)]),
            ("tenant-bad-utf8", "overlong encoding of a slash", [(1, b"acme\xc0\xaf")]),
            ("tenant-surrogate", "a surrogate in UTF-8", [(1, b"acme\xed\xa0\x80")]),
            ("tenant-newline", "a control character", [(1, b"ac\nme")]),
            ("tenant-c1", "U+0085, a control character", [(1, b"ac\xc2\x85me")]),
            ("tenant-delete", "U+007F, a control character", [(1, b"ac\x7fme")]),
            ("dataset-empty", "dataset of no bytes", [(1, TENANT), (2, b"")]),
            ("dataset-129", "dataset of 129 bytes", [(1, TENANT), (2, b"d" * 129)]),
            ("dataset-bad-utf8", "a lone continuation byte", [(1, TENANT), (2, b"\x80")]),
            ("keyring-id-15", "a keyring id of 15 bytes", [(1, TENANT), (3, bytes(15))]),
            ("keyring-id-17", "a keyring id of 17 bytes", [(1, TENANT), (3, bytes(17))]),
            ("unordered-unknown", "skipped types stand in order too", [(1, TENANT), (0x8001, b""), (0x8000, b"")])):
        yield bad(f"context-{name}", comment, "SO-2", tlvs=tlvs)
    yield bad("context-previous-run", "type 16 in an object", "AL-3", tlvs=[(1, TENANT), (16, bytes(24))])
    for kind in (4, 15, 17, 0x7FFF):
        yield bad(f"context-unknown-{kind:#x}", "a critical type that isn't known", "SO-2", "unsupported",
                  tlvs=[(1, TENANT), (kind, b"")])
    tenant = le(1, 2) + prefixed(TENANT)
    full = tenant + le(0x8000, 2) + prefixed(bytes(3864 - 8 - 4))
    for name, comment, area in (
            ("no-end-record", "records up to the last byte", full),
            ("end-record-cut", "two bytes left where the end record takes four",
             tenant + le(0x8000, 2) + prefixed(bytes(3864 - 8 - 4 - 2))),
            ("end-record-length", "an end record with a length", tenant + le(0, 2) + le(1, 2)),
            ("bytes-after-end", "a byte after the end record", tenant + bytes(4) + bytes(100) + b"x"),
            ("record-overruns", "a record longer than what is left", tenant + le(0x8000, 2) + le(3900, 2))):
        yield bad(f"context-{name}", comment, "SO-2", context_area=area)


def slot_tables():
    both = lambda door: dict(copy_a=door, copy_b=door)
    yield bad("slots-both-damaged", "the crc of both copies is wrong", "SO-4", **both(flip(50)))
    yield bad("slots-both-erased", "both copies are zeros", "SO-4", **both(lambda copy: bytes(len(copy))))
    yield bad("slots-magic", "both copies have another magic, their crc right", "SO-4", table=put(0, b"CLSRSLT2"))
    yield bad("slots-zero-field", "the table's zero field", "SO-4", table=put(18, le(1, 2)))
    yield bad("slots-used-too-large", "records beyond the copy", "SO-4", table=put(20, le(4096 - 27, 4)))
    yield bad("slots-used-2-to-32-minus-1", "records beyond everything", "SO-4", table=put(20, b"\xff" * 4))
    yield bad("slots-used-too-small", "the last record is cut", "SO-4", table=put(20, le(100, 4)))
    yield bad("slots-bytes-after-records", "a byte after the records", "SO-4", table=put(4000, b"x"))
    yield bad("slots-count-too-small", "a record more than counted", "SO-5", slots=[Slot(), Slot()],
              table=put(16, le(1, 2)))
    yield bad("slots-count-too-large", "a record fewer than counted", "SO-5", table=put(16, le(2, 2)))
    yield bad("slots-65", "one slot too many", "SO-6", slots=[Slot(version=3 + n) for n in range(65)], slots_cap=16384)
    yield bad("slots-seq-2-to-63", "the newest copy's seq is above the bound", "SO-6", seq=(1, 2**63))
    yield bad("slots-seq-2-to-64-minus-1", "a seq that a rewrap would wrap around", "SO-6", seq=(1, 2**64 - 1))
    yield bad("slot-copy-newest-malformed", "the copy to use has a right crc and a malformed record; the other is fine",
              "SO-5", slots_b=[Slot(zero=1)], seq=(1, 2))


def slot_records():
    for name, comment, slot in (
            ("zero-field", "the record's zero field", Slot(zero=1)),
            ("zero-field-unknown-type", "the same in a record of an unknown type", Slot(kind=7, zero=1)),
            ("bytes-after-body", "a byte after the last part", Slot(body=lambda body: body + b"\0")),
            ("body-cut", "the body ends early", Slot(body=lambda body: body[:-1])),
            ("body-empty", "a body of no bytes", Slot(body=lambda _: b"")),
            ("tenant-empty", "no tenant", Slot(tenant=b"")),
            ("tenant-bad-utf8", "tenant isn't text", Slot(tenant=b"\xff")),
            ("key-id-control", "a control character in the key id", Slot(key_id=b"a\0b")),
            ("ciphertext-71", "a wrap one byte short", Slot(ciphertext=bytes(71))),
            ("ciphertext-73", "a wrap one byte long", Slot(ciphertext=bytes(73))),
            ("parameters", "parameters where there are none", Slot(parameters=b"\0")),
            ("passphrase-parameters-27", "parameters cut", passphrase_slot(parameters=bytes(27))),
            ("argon2-no-pass", "no pass", passphrase_slot(cost=(64, 0, 1))),
            ("argon2-no-lane", "no lane", passphrase_slot(cost=(64, 1, 0))),
            ("argon2-memory-below-8-a-lane", "less than 8 KiB a lane", passphrase_slot(cost=(31, 1, 4))),
            ("hpke-encapsulated-31", "an encapsulated key of 31 bytes", hpke_slot(parameters=bytes(31))),
            ("hpke-ciphertext-72", "an HPKE wrap of another length", hpke_slot(ciphertext=bytes(72))),
            ("pkcs11-nonce-16", "a token's nonce of 16 bytes", Slot(kind=3, parameters=bytes(16)))):
        yield bad(f"slot-{name}", comment + "; a good slot follows", "SO-5", slots=[slot, Slot()])
    for name, slot in (("tenant-129", Slot(tenant=b"t" * 129)), ("key-id-513", Slot(key_id=b"k" * 513)),
                       ("parameters-4097", Slot(parameters=bytes(4097))),
                       ("ciphertext-8193", Slot(ciphertext=bytes(8193)))):
        yield bad(f"slot-{name}", "one byte above the bound; a good slot follows", "SO-6", slots=[slot, Slot()],
                  slots_cap=16384)


def slots_of_others():
    def denied(name, comment, slots, keys=("dataset",), **spec):
        return bad(name, comment, "SO-5", "denied", keys, slots=slots, **spec)

    other = Sealed("object-id-of-another")
    yield denied("slot-none", "a table of no slots", [])
    yield denied("slot-unknown-type-alone", "nothing this version knows", [Slot(kind=7)])
    yield denied("slot-share-index", "a secret share alone", [Slot(share=(1, 0))])
    yield denied("slot-share-threshold", "a secret share alone", [Slot(share=(0, 2))])
    yield denied("slot-no-key", "the key of another version", [Slot()], ("dataset 4",))
    yield denied("slot-version-changed", "the right key offered for a version that the wrap isn't bound to",
                 [Slot(version=4, true_context={"version": le(3, 4)})], ("dataset 4",))
    yield denied("slot-type-changed", "a dataset key's wrap called a software key's",
                 [software_slot(true_context={"kind": le(1, 2)})], ("software",))
    yield denied("slot-key-id-changed", "a wrap bound to another key id", [Slot(true_context={"key_id": b"other"})])
    yield denied("slot-tenant-changed", "a wrap bound to another tenant", [Slot(true_context={"tenant": b"umbrella"})])
    yield denied("slot-dataset-changed", "a wrap bound to another dataset",
                 [Slot(true_context={"dataset": b"corpus-8"})])
    yield denied("slot-purpose-changed", "a wrap of a dataset key", [Slot(true_context={"purpose": b"dataset-key"})])
    yield denied("slot-of-another-object", "a wrap bound to another object",
                 [Slot(true_context={"object_id": other.object_id}, dek=other.dek)])
    yield denied("slot-ciphertext-changed", "a wrap that doesn't open", [Slot(ciphertext=bytes(72))])
    yield denied("passphrase-wrong", "another passphrase", [passphrase_slot()], ("wrong passphrase",))
    yield denied("hpke-context-changed", "an HPKE wrap bound to another tenant",
                 [hpke_slot(true_context={"tenant": b"umbrella"})], ("hpke",))
    yield denied("hpke-low-order", "an encapsulated key of order one", [hpke_slot(parameters=bytes(32))], ("hpke",))
    yield denied("slot-seq-newest-is-not-ours", "the stale copy would open; the newest counts", [Slot(version=9)],
                 slots_b=[Slot()], seq=(2, 1))
    yield bad("commitment-differs", "a slot made for this object, of a DEK that isn't its own", "SO-7",
              slots=[Slot(dek=SOFTWARE_KEY)])
    for name, cost in (("memory", (2**20 + 1, 1, 1)), ("passes", (64, 17, 1)), ("lanes", (2**10, 1, 17))):
        yield bad(f"argon2-{name}-above-the-bound", "refused before any work", "SO-8", "unsupported", ("passphrase",),
                  slots=[passphrase_slot(cost=cost)])


def shares():
    everybody = ("dataset", "software", "hpke")

    def of_three(name, comment, expect, threshold=2, keys=everybody, rule="SO-20", **changes):
        return bad(f"shares-{name}", comment, rule, expect, keys, slots=three_shares(threshold, **changes))

    for key in everybody:
        yield of_three(f"one-alone-{key}", "one of the two that are needed", "denied", keys=(key,))
    yield of_three("two-of-three-needed", "two, where three are needed", "denied", 3, ("dataset", "hpke"))
    yield of_three("index-twice", "two shares of one index, each in its own context", "corrupt",
                   software=dict(share=(1, 2)))
    yield of_three("threshold-mixed", "one says that three are needed", "corrupt", hpke=dict(share=(3, 3)))
    yield of_three("wrong", "one is 32 other bytes", "corrupt", keys=("dataset", "software"), rule="SO-7",
                   software=dict(dek=bytes(range(32))))
    yield of_three("one-is-the-key", "the key itself, called a share", "corrupt", keys=("dataset", "software"),
                   rule="SO-7", software=dict(dek=Sealed("shares-one-is-the-key").dek))
    yield of_three("index-changed", "its wrap is bound to another index", "denied", keys=("dataset", "software"),
                   software=dict(share=(7, 2), true_context={"share": (2, 2)}))
    yield of_three("threshold-lowered", "three are needed, and all say two", "denied",
                   dataset=dict(true_context={"share": (1, 3)}), software=dict(true_context={"share": (2, 3)}),
                   hpke=dict(true_context={"share": (3, 3)}))
    yield of_three("context-of-a-whole-wrap", "a share bound as the whole key is", "denied",
                   keys=("dataset", "software"), software=dict(shared=False, dek=bytes(32)))
    yield bad("shares-called-the-whole-key", "a share whose record says that it is the key", "SO-5", "denied",
              slots=[Slot(shared=True, true_context={"share": (1, 2)})])
    for index, threshold in ((256, 2), (1, 256), (1, 1)):
        yield bad(f"shares-{index}-of-threshold-{threshold}", "no share of this version: skipped", "SO-5", "denied",
                  slots=[Slot(share=(index, threshold))])


def meta():
    deep = b"\x81" * 4 + b"\x00"
    for name, comment, cbor in (
            ("indefinite-map", "a map of indefinite length", b"\xbf\xff"),
            ("indefinite-text", "text of indefinite length", b"\xa1\x01\x7f\x61a\xff"),
            ("tag", "a tagged value", b"\xa1\x18\x40\xc0\x61a"), ("float", "a float", b"\xa1\x18\x40\xf9\x3c\x00"),
            ("true", "a simple value", b"\xa1\x18\x40\xf5"), ("null", "a simple value", b"\xa1\x18\x40\xf6"),
            ("long-integer", "3 in two bytes", b"\xa1\x03\x18\x03"),
            ("long-key", "key 1 in two bytes", b"\xa1\x18\x01\x61a"),
            ("long-length", "a length of 1 in two bytes", b"\xa1\x01\x78\x01a"),
            ("long-count", "a count of 0 in two bytes", b"\xb8\x00"),
            ("repeated-key", "key 3 twice", b"\xa2\x03\x01\x03\x02"),
            ("unordered", "key 4 before 3", b"\xa2\x04\x01\x03\x02"),
            ("unordered-inside", "a map within, unordered", b"\xa1\x18\x40\xa2\x02\x00\x01\x00"),
            ("bytes-after", "a byte after the map", b"\xa0\x00"), ("array", "no map", b"\x80"),
            ("negative-key", "key -1", b"\xa1\x20\x00"), ("text-key", "a key of text", b"\xa1\x61a\x00"),
            ("cut", "a value is missing", b"\xa1\x03"), ("string-cut", "a string is cut", b"\xa1\x01\x63ab"),
            ("reserved-head", "a head of additional information 28", b"\xa1\x03\x1c"),
            ("too-deep", "nested to the fifth level", b"\xa1\x18\x40" + deep),
            ("too-many-items", "1100 items", b"\xa1\x18\x40\x99\x04\x4c" + bytes(1100)),
            ("count-2-to-63", "an array of 2^63 items", b"\xa1\x18\x40\x9b\x80" + bytes(7)),
            ("string-too-long", "text of 65537 bytes", b"\xa1\x01\x7a\x00\x01\x00\x01" + b"x" * 65537),
            ("bad-utf8", "a name that isn't UTF-8", b"\xa1\x02\x62\xc3\x28"),
            ("name-control", "a control character in a name", b"\xa1\x02" + cbor_text(b"a\nb")),
            ("name-as-bytes", "a name as bytes", b"\xa1\x02\x41a"),
            ("time-as-text", "a time as text", b"\xa1\x03\x61a"),
            ("time-negative", "a time before 1970", b"\xa1\x04\x20"),
            ("mode-too-large", "permission bits above 07777", b"\xa1\x05\x19\x10\x00")):
        yield bad(f"meta-{name}", comment, "SO-11", meta=cbor)
    for key in (0, 6, 63):
        head = bytes([key]) if key < 24 else b"\x18" + bytes([key])
        yield bad(f"meta-key-{key}", "a key that isn't known and can't be skipped", "SO-11", "unsupported",
                  meta=b"\xa1" + head + b"\x00")
    yield bad("meta-hash", "META changed after sealing", "SO-12", file=flip(12288))
    yield bad("meta-hash-field", "another meta_hash, mac and crc right", "SO-12", header=flip(150))
    yield bad("meta-does-not-open", "META's tag is wrong, meta_hash right", "SO-12", meta_sealed=flip(10))
    yield bad("padding-after-meta", "a byte between META and the data", "SO-14", file=put(DATA - 1, b"x"))


def data():
    swap = lambda data, a, b, n: put(a, data[b:b + n])(put(b, data[a:a + n])(data))
    two = dict(size=2 * CHUNK, group_log2=1)
    yield damaged("chunk-flipped", "a bit of the ciphertext", "SO-13", 100, data=flip(50))
    yield damaged("chunk-flipped-chacha20", "a bit of the ciphertext", "SO-13", 100, data=flip(50), suite=2)
    yield damaged("tag-flipped", "a bit of the tag", "SO-13", 100, data=flip(4096))
    yield damaged("chunks-swapped", "two chunks with their tags", "SO-13", **two,
                  data=lambda d: swap(swap(d, 0, CHUNK, CHUNK), 2 * CHUNK, 2 * CHUNK + 16, 16))
    yield damaged("tags-swapped", "two tags", "SO-13", **two, data=lambda d: swap(d, 2 * CHUNK, 2 * CHUNK + 16, 16))
    yield damaged("last-flag-missing", "the last chunk is sealed as if another came", "SO-13", 100, last=lambda i, n: 0)
    yield damaged("last-flag-early", "every chunk is sealed as the last", "SO-13", CHUNK + 1, group_log2=1,
                  last=lambda i, n: 1)
    yield damaged("empty-chunk-not-last", "an empty payload without the last flag", "SO-13", 0, last=lambda i, n: 0)
    yield damaged("chunk-number-shifted", "chunks counted from 1", "SO-13", 100, position=lambda i: i + 1)
    yield damaged("chunk-of-next-epoch", "the first chunk under the keys of epoch 1", "SO-13", 100,
                  position=lambda i: i + (1 << 16))
    yield damaged("padding-after-chunk", "a byte after the last chunk", "SO-14", 100, data=put(4095, b"x"))
    yield damaged("padding-after-tags", "a byte after the last tag", "SO-14", 100, data=put(4096 + 16, b"x"))
    yield damaged("padding-within", "a byte after the tags of the first of two groups", "SO-14", CHUNK + 1,
                  data=put(CHUNK + 16, b"x"))


def ends():
    yield bad("truncated-in-preamble", "2000 bytes left", "SO-2", file=lambda d: d[:2000])
    yield bad("truncated-in-magic", "5 bytes left", "SO-2", file=lambda d: d[:5])
    yield bad("truncated-after-preamble", "the preamble alone", "SO-2", file=lambda d: d[:4096])
    yield bad("truncated-in-slots", "the file ends in slot copy A", "SO-2", file=lambda d: d[:6000])
    yield bad("truncated-in-meta", "the file ends in META", "SO-2", file=lambda d: d[:12300])
    yield bad("truncated-before-data", "the file ends where the data begin", "SO-2", file=lambda d: d[:DATA])
    yield damaged("truncated-in-data", "the file ends in a chunk", "SO-16", CHUNK, file=lambda d: d[:DATA + 8192])
    yield bad("truncated-before-footer", "no footer, length known", "SO-16", file=lambda d: d[:-4096])
    yield damaged("truncated-before-footer-streamed", "no footer, length not known", "SO-16", CHUNK + 1,
                  known_length=False, file=lambda d: d[:-4096])
    yield bad("truncated-last-byte", "a byte is missing", "SO-16", file=lambda d: d[:-1])
    yield damaged("truncated-group-footer-kept", "the last group cut out, the footer moved up", "SO-16", CHUNK + 1,
                  known_length=False, data=lambda d: d[:CHUNK + 4096])
    yield bad("extra-byte", "a byte after the footer", "SO-16", file=lambda d: d + b"\0")
    yield bad("extra-page", "a page of zeros after the footer", "SO-16", known_length=False,
              file=lambda d: d + bytes(4096))
    yield bad("extra-page-length-known", "the same with a known length", "SO-16", file=lambda d: d + bytes(4096))
    yield bad("extra-page-before-footer", "a page of zeros before the footer", "SO-16", known_length=False,
              data=lambda d: d + bytes(4096))
    yield bad("footer-twice", "the footer once more", "SO-16", known_length=False, file=lambda d: d + d[-4096:])


def footers():
    for name, comment, door in (
            ("magic", "another magic", put(0, b"CLSRFTR2")), ("object-id", "another object id", flip(10)),
            ("run-id", "another run id", flip(30)), ("length", "a byte more than there is", put(40, le(6, 8))),
            ("length-huge", "a length above the bound", put(40, le(2**64 - 1, 8))),
            ("count", "a chunk more than there is", put(48, le(2, 8))), ("count-0", "no chunk", put(48, le(0, 8))),
            ("digest-algorithm-2", "an algorithm that isn't known", put(88, le(2, 2))),
            ("zeros", "a byte in the zeros after the algorithm", put(95, b"x")),
            ("zeros-at-the-end", "a byte in the last zeros", put(4063, b"x")),
            ("digest-without-algorithm", "a digest where there is none", put(96, b"x"))):
        yield bad(f"footer-{name}", comment + ", the mac right", "SO-16", footer=door)
    yield bad("footer-length-streamed", "a byte more than there is, length not known", "SO-13", known_length=False,
              footer=put(40, le(6, 8)))
    yield bad("footer-length-other-page", "a length that gives another file", "SO-16", known_length=False,
              footer=put(40, le(5000, 8)))
    yield bad("footer-mac", "a bit of the mac", "SO-16", footer_page=flip(4095))
    other = Sealed("footer-of-another-object's-source").build()
    yield bad("footer-of-another-object", "the footer of another object of the same size", "SO-16",
              footer_page=lambda _: other[-4096:])
    again = Sealed("footer-of-another-run", label="first ")
    again.dek = Sealed("footer-of-another-run").dek
    first = again.build()
    yield bad("footer-of-another-run", "the footer of an earlier attempt under the same DEK and object id", "SO-16",
              footer_page=lambda _: first[-4096:])


def invalid_objects():
    for part in (beginnings, preamble_fields, public_context, slot_tables, slot_records, slots_of_others, shares, meta, data,
                 ends, footers):
        yield from part()

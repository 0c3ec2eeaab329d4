#!/usr/bin/env python3
"""Opens sealed objects. A second implementation, written from docs/formats/sealed-object.md alone.

  sealed_object.py open FILE [--verify] [--dataset-key ID:VERSION:HEX] [--software-key ID:VERSION:HEX]
                             [--passphrase TEXT] [--hpke-seed HEX]       prints the payload
  sealed_object.py check DIR                                             holds itself against the vectors in DIR

The whole file is read into memory. PKCS#11 and X-Wing slots are skipped, and said to be.
"""
import argparse
import pathlib
import struct
import sys
from types import SimpleNamespace

from append_log import open_log
from sealed_object_head import PAGE, UNKNOWN, open_head, parse_preamble
from sealed_object_primitives import Refused, align, need, sha256, zero

FOOTER = "magic object_id run_id plaintext_len count tags_digest algorithm zeros digest".split()


class Layout:
    def __init__(self, p, length):
        self.p, self.length, self.count = p, length, max(1, -(-length // p.chunk))
        self.stride, self.groups = p.group * p.chunk + align(16 * p.group), -(-self.count // p.group)
        self.footer = align(self.tag(self.count - 1) + 16)

    def data_end(self, group):
        size = min(self.p.group * self.p.chunk, self.length - group * self.p.group * self.p.chunk)
        return self.p.data_off + group * self.stride + size

    def tag(self, index):
        return align(self.data_end(index // self.p.group)) + 16 * (index % self.p.group)

    def chunk(self, index):
        group, place = divmod(index, self.p.group)
        start = self.p.data_off + group * self.stride + place * self.p.chunk
        return start, min(start + self.p.chunk, self.data_end(group))

    def gaps(self):
        for group in range(self.groups):
            yield self.data_end(group), align(self.data_end(group))
            end = self.tag(min((group + 1) * self.p.group, self.count) - 1) + 16
            yield end, align(end)


def open_object(p, data, wrapping_keys, verify, warnings):
    need(len(data) >= p.data_off + 2 * PAGE, "SO-2", "regions don't fit the file")
    need(len(data) % PAGE == 0, "SO-16", "length of the file")
    known = p.plaintext_len != UNKNOWN
    need(not known or Layout(p, p.plaintext_len).footer + PAGE == len(data), "SO-16", "length of the file")
    keys, page = open_head(p, data, wrapping_keys, verify, warnings), data[-PAGE:]
    keys.check_mac("footer", page[:4064], page[4064:], "SO-16")
    f = SimpleNamespace(**dict(zip(FOOTER, struct.unpack_from("<8s16s16sQQ32sH6s48s", page))))
    need((f.magic, f.object_id, f.run_id) == (b"CLSRFTR1", p.object_id, p.run_id), "SO-16", "footer of another object")
    need(f.plaintext_len <= 2**50 and p.plaintext_len in (f.plaintext_len, UNKNOWN), "SO-16", "length in the footer")
    layout = Layout(p, f.plaintext_len)
    need(f.count == layout.count and layout.footer + PAGE == len(data), "SO-16", "count, or length of the file")
    need(f.algorithm in (0, 1) and zero(f.zeros + page[144:4064]), "SO-16", "footer's fields")
    need(f.algorithm == 1 or zero(f.digest), "SO-16", "digest where there is none")
    tags = [data[layout.tag(i):layout.tag(i) + 16] for i in range(f.count)]
    chunks = [data[slice(*layout.chunk(i))] for i in range(f.count)]
    payload = b"".join(keys.open_chunk(i, int(i + 1 == f.count), chunks[i] + tags[i]) for i in range(f.count))
    need(all(zero(data[start:end]) for start, end in layout.gaps()), "SO-14", "bytes between the regions")
    if verify:
        need(sha256(b"".join(tags)) == f.tags_digest, "SO-17", "tags_digest")
        digest = keys.open_once("digest", f.digest, "SO-17") if f.algorithm else None
        need(digest in (None, sha256(payload)), "SO-17", "payload digest")
    return payload


def open_bytes(data, wrapping_keys, verify=False):
    """(payload, warnings). Raises Refused."""
    warnings, p = [], parse_preamble(data[:PAGE])
    return (open_log if p.log else open_object)(p, data, wrapping_keys, verify, warnings), warnings


def local_key(text):
    key_id, version, key = text.rsplit(":", 2)
    return key_id.encode(), int(version), bytes.fromhex(key)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["open", "check"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--passphrase", type=str.encode)
    for name, kind in (("--dataset-key", local_key), ("--software-key", local_key), ("--hpke-seed", bytes.fromhex)):
        parser.add_argument(name, type=kind, action="append", default=[])
    args = parser.parse_args()
    if args.verb == "check":
        from sealed_object_vector_file import check_folder
        sys.exit(check_folder(args.path))
    local = {(kind, *key[:2]): key[2] for kind, keys in ((1, args.dataset_key), (2, args.software_key)) for key in keys}
    keys = SimpleNamespace(local=local, passphrase=args.passphrase, hpke_seeds=args.hpke_seed)
    try:
        payload, warnings = open_bytes(args.path.read_bytes(), keys, args.verify)
    except Refused as refusal:
        sys.exit("\n".join([f"open {args.path}: {refusal}", *refusal.not_assessed]))
    print(*warnings, sep="\n", end="\n" if warnings else "", file=sys.stderr)
    sys.stdout.buffer.write(payload)


if __name__ == "__main__":
    main()

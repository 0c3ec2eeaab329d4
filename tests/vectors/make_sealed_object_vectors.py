#!/usr/bin/env python3
"""Writes the vectors of sealed-object/ again, each a function of its name: make_sealed_object_vectors.py FOLDER."""
import hashlib
import pathlib
import sys

from sealed_object_vector_file import encode_object
from sealed_object_vectors_invalid import invalid_objects
from sealed_object_vectors_logs import logs
from sealed_object_vectors_valid import valid_objects
from sealed_object_writer import DATASET_KEY, HPKE_SEED, KEYRING_ID, SOFTWARE_KEY, XWING_SEED, Sealed

KEYS = {
    "dataset": f"dataset_key: {KEYRING_ID.hex()}:3:{DATASET_KEY.hex()}",
    "dataset 4": f"dataset_key: {KEYRING_ID.hex()}:4:{DATASET_KEY.hex()}",
    "software": f"software_key: file:00112233aabbccdd:0:{SOFTWARE_KEY.hex()}",
    "passphrase": "passphrase: correct horse battery",
    "wrong passphrase": "passphrase: correct horse bakery",
    "hpke": f"hpke_seed: {HPKE_SEED.hex()}",
    "xwing": f"xwing_seed: {XWING_SEED.hex()}",
}


def vector_text(vector):
    lines = [f"name: {vector.name}", f"comment: {vector.comment}", f"expect: {vector.expect}"]
    if vector.expect_verify:
        lines.append(f"expect_verify: {vector.expect_verify}")
    if vector.rule:
        lines.append(f"rule: {vector.rule}")
    lines += [KEYS[key] for key in vector.keys]
    if vector.payload is not None:
        digest = hashlib.sha256(vector.payload).hexdigest()
        lines += [f"payload_length: {len(vector.payload)}", f"payload_sha256: {digest}"]
    lines += [f"{key}: {value}" for key, value in vector.more.items()]
    return "\n".join(lines + ["object:"] + encode_object(vector.object)) + "\n"


def derivation_text(suite):
    """Every key of one object, with epochs no file here is large enough for, and chunk nonces."""
    run = Sealed(f"keys-suite-{suite}", suite=suite)
    page = run.head()[:4096]
    lines = [f"name: keys-suite-{suite}", "comment: keys derived from one DEK; the object is the preamble alone",
             f"suite: {suite}", f"dek: {run.dek.hex()}", f"object_id: {run.object_id.hex()}", f"salt: {run.salt.hex()}",
             f"run_id: {run.run_id.hex()}", f"context_hash: {run.context_hash.hex()}",
             f"commitment: {run.commitment.hex()}", f"header_key: {run.expand(b'header').hex()}",
             f"meta_key_nonce: {run.expand(b'meta', 44).hex()}", f"footer_key: {run.expand(b'footer').hex()}",
             f"digest_key_nonce: {run.expand(b'digest', 44).hex()}"]
    lines += [f"payload_key_base_{epoch}: {run.payload_key(epoch).hex()}" for epoch in (0, 1, 65535)]
    base = int.from_bytes(run.payload_key(1)[32:], "big")
    for index, last in ((0, 0), (0, 1), (65535, 0), (65536, 0), (65536, 1), (2**36 - 1, 1), (7, 2)):
        counter = bytes([last]) + bytes(3) + index.to_bytes(8, "big")
        nonce = (base ^ int.from_bytes(counter, "big")).to_bytes(12, "big")
        lines.append(f"nonce_base_1_index_{index}_last_{last}: {nonce.hex()}")
    return "\n".join(lines + ["object:"] + encode_object(page)) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"keys-suite-{suite}": derivation_text(suite) for suite in (1, 2)}
    for vector in [*valid_objects(), *invalid_objects(), *logs()]:
        assert vector.name not in texts, vector.name
        texts[vector.name] = vector_text(vector)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    for path in folder.glob("*.txt"):
        if path.stem not in texts:
            path.unlink()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Somebody with a slot of their own, so with the DEK, changes an object of a signed directory.

GCM's tag is no hash: with the key one solves a linear equation for 16 bytes that make any other plaintext have the same tag. The footer
and the manifest then still fit; only the payload digest (seal --digest) tells, and verify, open and rekey must all look at it.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
from types import SimpleNamespace

sys.dont_write_bytecode = True
from system_python import use_a_python_with_cryptography

use_a_python_with_cryptography()
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import sealed_object
import sealed_object_head

CLOISTER = os.path.realpath(os.environ["CLOISTER"])


def run(*arguments, status=0):
    done = subprocess.run([CLOISTER, "--home", "home", *arguments], capture_output=True, text=True)
    assert done.returncode == status, f"{arguments}: {done.returncode}, not {status}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def times(x, y):
    """In GCM's field: bit 0 is the leftmost."""
    product = 0
    for i in range(127, -1, -1):
        if y >> i & 1:
            product ^= x
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def power(base, exponent):
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = times(result, base)
        base, exponent = times(base, base), exponent >> 1
    return result


def ghash(key, text):
    state = 0
    text += bytes(-len(text) % 16)
    for i in range(0, len(text), 16):
        state = times(state ^ int.from_bytes(text[i:i + 16], "big"), key)
    return state


def forge(path, key_file, wanted):
    """Rewrites the one chunk of the object at `path` to start with `wanted`, under the tag it has."""
    stored = bytearray(path.read_bytes())
    wrapping = key_file.read_bytes()
    preamble = sealed_object_head.parse_preamble(bytes(stored[:4096]))
    name = b"file:" + wrapping[12:44].hex()[:16].encode()
    keys = SimpleNamespace(local={(2, name, 1): wrapping[44:76]}, passphrase=None, hpke_seeds=[])
    payload = sealed_object_head.open_head(preamble, bytes(stored), keys, False, []).payload_key(0)
    key, nonce = payload[:32], sealed_object_head.chunk_nonce(payload[32:], 0, 1)
    length, at = preamble.plaintext_len, preamble.data_off
    tag_at = sealed_object.Layout(preamble, length).tag(0)
    old, tag = bytes(stored[at:at + length]), bytes(stored[tag_at:tag_at + 16])
    new = bytearray(AESGCM(key).encrypt(nonce, wanted.ljust(length, b"."), None)[:-16])
    hash_key = int.from_bytes(Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16)), "big")
    free = length // 16 - 1  # the last full block pays for all the others
    distance = -(-length // 16) - free
    difference = times(ghash(hash_key, old) ^ ghash(hash_key, bytes(new)),
                       power(power(hash_key, distance), 2**128 - 2)).to_bytes(16, "big")
    for i in range(16):
        new[16 * free + i] ^= difference[i]
    assert AESGCM(key).decrypt(nonce, bytes(new) + tag, None).startswith(wanted), "the forgery is no forgery"
    stored[at:at + length] = new
    path.write_bytes(stored)


def main():
    os.umask(0o077)
    pathlib.Path("tree").mkdir()
    pathlib.Path("tree/policy.txt").write_text("role: analyst\n" + "x" * 200)
    run("init")
    run("tenant", "create", "acme")
    run("dataset", "create", "acme/rules")
    run("key-file", "new", "partner.key")
    run("seal", "tree", "sealed", "--dataset", "acme/rules", "--digest", "--software-key", "partner.key")
    run("verify", "sealed")
    forge(pathlib.Path("sealed/policy.txt.sealed"), pathlib.Path("partner.key"), b"role: root\n")
    assert "digest" in run("verify", "sealed", status=3)
    assert "digest" in run("open", "sealed", "opened", status=3)
    assert not pathlib.Path("opened/policy.txt").exists(), "a forged file was handed out"
    assert "digest" in run("rekey", "sealed", "--drop-slots", status=3)


with tempfile.TemporaryDirectory(prefix="cloister-test.") as folder:
    os.chdir(folder)
    main()

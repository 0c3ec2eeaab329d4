#!/usr/bin/env python3
"""Keys that both sides know: put into a token from outside, used through the PKCS#11 provider, and what it made opened
by other people's cryptography. And the other way round."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop

PIN = "correct-1234"
CONTEXT = {"tenant": "acme", "purpose": "kek"}
PLAINTEXT = bytes(range(64))

# Opens and makes wraps with pyca/cryptography. Reads one JSON object, prints the result in hexadecimal.
THEIRS = r"""
import json, os, struct, sys
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

task = json.load(sys.stdin)
data = bytes.fromhex(task["data"])
key = open(task["key"], "rb").read()
context = b"".join(struct.pack("<I", len(text)) + text.encode()
                   for name in sorted(task["context"]) for text in (name, task["context"][name]))
opens = task["does"] == "open"
if task["cipher"] == "aes-gcm":
    if opens:
        out = AESGCM(key).decrypt(data[:12], data[12:], context)
    else:
        nonce = os.urandom(12)
        out = nonce + AESGCM(key).encrypt(nonce, data, context)
elif task["cipher"] == "aes-kwp":
    out = keywrap.aes_key_unwrap_with_padding(key, data) if opens else keywrap.aes_key_wrap_with_padding(key, data)
else:
    digest = hashes.SHA256() if task["cipher"].endswith("sha256") else hashes.SHA1()
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm=digest), algorithm=digest, label=None)
    private = serialization.load_pem_private_key(key, None)
    out = private.decrypt(data, oaep) if opens else private.public_key().encrypt(data, oaep)
print(out.hex())
"""

run = interop.Run("pkcs11_tokens")
softhsm = run.debian("softhsm2-util", "softhsm2")
openssl = run.debian("openssl", "openssl")
python = run.pip("cryptography==46.0.3")
tool = run.build / "tests/kms_tool"
module = next((path for path in map(pathlib.Path, ("/usr/lib/softhsm/libsofthsm2.so",
                                                   "/usr/lib64/pkcs11/libsofthsm2.so")) if path.exists()), None)
if module is None:
    print("skipped: SoftHSM's module isn't where it is known to be")
    sys.exit(77)

tokens = run.folder / "tokens"
tokens.mkdir()
configuration = run.folder / "softhsm2.conf"
configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
environment = run.environment(SOFTHSM2_CONF=configuration)
pin_file = run.folder / "pin"
pin_file.write_text(PIN)
options = run.folder / "options.json"
options.write_text(json.dumps({"module": str(module), "token": "theirs", "pin_file": str(pin_file)}))


def must(*argv):
    subprocess.run([str(part) for part in argv], check=True, env=environment, capture_output=True)


def ours(*arguments):
    done = subprocess.run([tool, "pkcs11", options, *arguments], env=environment, capture_output=True, text=True)
    return json.loads(done.stdout)


def theirs(does, cipher, key, data, context=None):
    task = {"does": does, "cipher": cipher, "key": str(key), "data": data.hex(), "context": context or CONTEXT}
    done = subprocess.run([python, "-c", THEIRS], input=json.dumps(task), capture_output=True, text=True)
    return bytes.fromhex(done.stdout.strip()) if done.returncode == 0 else None


pairs = [f"{name}={value}" for name, value in CONTEXT.items()]
must(softhsm, "--init-token", "--free", "--label", "theirs", "--pin", PIN, "--so-pin", "so-" + PIN)
aes = run.folder / "aes.key"
aes.write_bytes(bytes(range(100, 132)))
rsa = run.folder / "rsa.pem"
must(openssl, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
must(softhsm, "--import", aes, "--aes", "--token", "theirs", "--label", "aes", "--id", "01", "--pin", PIN)
must(softhsm, "--import", rsa, "--token", "theirs", "--label", "rsa", "--id", "02", "--pin", PIN)

version = subprocess.run([softhsm, "--version"], capture_output=True, text=True, env=environment).stdout.strip()
with run.row("provider", "pkcs11", against="softhsm2", version=version) as row:
    for label, key in (("aes", aes), ("rsa", rsa)):
        made = ours("wrap", label, PLAINTEXT.hex(), *pairs)
        cipher = made.get("key_version", "")
        if not row.check(f"wraps with {label}", bool(cipher), str(made)):
            continue
        row.check(f"they open what we wrapped with {label} by {cipher}",
                  theirs("open", cipher, key, bytes.fromhex(made["ciphertext"])) == PLAINTEXT)
        wrapped = theirs("wrap", cipher, key, PLAINTEXT)
        opened = ours("unwrap", label, wrapped.hex(), cipher, *pairs)
        row.check(f"we open what they wrapped with {label} by {cipher}", opened.get("plaintext") == PLAINTEXT.hex(),
                  str(opened))
        wrapped = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
        refused = ours("unwrap", label, wrapped.hex(), cipher, *pairs)
        row.check(f"a wrap by {label} that was changed", refused.get("error") == "denied", str(refused))
    wrapped = theirs("wrap", "aes-gcm", aes, PLAINTEXT, {"tenant": "other", "purpose": "kek"})
    refused = ours("unwrap", "aes", wrapped.hex(), "aes-gcm", *pairs)
    row.check("a wrap in another context", refused.get("error") == "denied", str(refused))
    # SoftHSM's importer lets keys do everything: the same key wraps by RFC 5649 where it is asked to.
    wrapped = theirs("wrap", "aes-kwp", aes, PLAINTEXT)
    opened = ours("unwrap", "aes", wrapped.hex(), "aes-kwp", *pairs)
    row.check("we open RFC 5649 by the mechanism that the token calls otherwise",
              opened.get("plaintext") == PLAINTEXT.hex(), str(opened))
    posture = ours("describe", "aes")
    row.check("a key that was brought says so", posture.get("origin") == "imported", str(posture))
    row.check("rotation is not assessed", "not_assessed" in posture.get("rotation", {}), str(posture))
    listed = ours("list")
    row.check("lists both keys", len(listed.get("keys", [])) == 2, str(listed))
    for label in ("aes", "rsa"):
        root = ours("root", label)
        row.check(f"{label} is a root", root.get("opens") is True and root.get("in_another_context") == "denied",
                  str(root))
run.finish()

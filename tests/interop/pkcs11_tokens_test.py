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
openssl = run.debian("openssl", "openssl")
python = run.pip("cryptography==46.0.3")
tool = run.build / "tests/kms_tool"
pin_file = run.folder / "pin"
pin_file.write_text(PIN)
tokens = run.folder / "tokens"
tokens.mkdir()
configuration = run.folder / "softhsm2.conf"
configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
environment = run.environment(SOFTHSM2_CONF=configuration)
pairs = [f"{name}={value}" for name, value in CONTEXT.items()]


def must(*argv):
    done = subprocess.run([str(part) for part in argv], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def library(name):
    found = sorted(path for pattern in ("/usr/lib/*/", "/usr/lib/", "/usr/lib64/", "/usr/lib64/pkcs11/", "/usr/lib/softhsm/")
                   for path in pathlib.Path("/").glob(pattern.lstrip("/") + name))
    if not found:
        raise RuntimeError(f"{name} isn't where it is known to be")
    return found[0]


def theirs(does, cipher, key, data, context=None):
    task = {"does": does, "cipher": cipher, "key": str(key), "data": data.hex(), "context": context or CONTEXT}
    done = subprocess.run([python, "-c", THEIRS], input=json.dumps(task), capture_output=True, text=True)
    return bytes.fromhex(done.stdout.strip()) if done.returncode == 0 else None


class Token:
    """One token through our provider."""

    def __init__(self, row, **options):
        self.row = row
        self.options = run.folder / f"{options['token']}.json"
        self.options.write_text(json.dumps({"pin_file": str(pin_file), **options}))

    def ours(self, *arguments):
        done = subprocess.run([tool, "pkcs11", self.options, *arguments], env=environment, capture_output=True, text=True)
        return json.loads(done.stdout)

    def both_ways(self, name, label, key):
        """Wraps of each side open at the other's, and changed ones don't."""
        made = self.ours("wrap", name, PLAINTEXT.hex(), *pairs)
        cipher = made.get("key_version", "")
        if not self.row.check(f"wraps with {label}", bool(cipher), str(made)):
            return
        self.row.check(f"they open what we wrapped with {label} by {cipher}",
                       theirs("open", cipher, key, bytes.fromhex(made["ciphertext"])) == PLAINTEXT)
        wrapped = theirs("wrap", cipher, key, PLAINTEXT)
        opened = self.ours("unwrap", name, wrapped.hex(), cipher, *pairs)
        self.row.check(f"we open what they wrapped with {label} by {cipher}", opened.get("plaintext") == PLAINTEXT.hex(),
                       str(opened))
        wrapped = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
        refused = self.ours("unwrap", name, wrapped.hex(), cipher, *pairs)
        self.row.check(f"a wrap by {label} that was changed", refused.get("error") == "denied", str(refused))

    def as_root(self, name, label):
        root = self.ours("root", name)
        self.row.check(f"{label} is a root", root.get("opens") is True and root.get("in_another_context") == "denied",
                       str(root))

    def told(self, name, facts):
        """Its posture, and that it says nothing of rotation: tokens know none."""
        posture = self.ours("describe", name)
        for fact, value in facts.items():
            self.row.check(f"describe: {fact}", posture.get(fact) == value, str(posture))
        self.row.check("rotation is not assessed", "not_assessed" in posture.get("rotation", {}), str(posture))
        listed = self.ours("list")
        self.row.check("lists both keys", len(listed.get("keys", [])) == 2, str(listed))


with run.row("provider", "pkcs11", against="softhsm2", version="of the system") as row:
    softhsm = run.debian("softhsm2-util", "softhsm2")
    must(softhsm, "--init-token", "--free", "--label", "theirs", "--pin", PIN, "--so-pin", "so-" + PIN)
    aes = run.folder / "aes.key"
    aes.write_bytes(bytes(range(100, 132)))
    rsa = run.folder / "rsa.pem"
    must(openssl, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
    must(softhsm, "--import", aes, "--aes", "--token", "theirs", "--label", "aes", "--id", "01", "--pin", PIN)
    must(softhsm, "--import", rsa, "--token", "theirs", "--label", "rsa", "--id", "02", "--pin", PIN)
    token = Token(row, module=str(library("libsofthsm2.so")), token="theirs")
    token.both_ways("aes", "aes", aes)
    token.both_ways("rsa", "rsa", rsa)
    wrapped = theirs("wrap", "aes-gcm", aes, PLAINTEXT, {"tenant": "other", "purpose": "kek"})
    refused = token.ours("unwrap", "aes", wrapped.hex(), "aes-gcm", *pairs)
    row.check("a wrap in another context", refused.get("error") == "denied", str(refused))
    # SoftHSM's importer lets keys do everything: the same key wraps by RFC 5649 where it is asked to.
    wrapped = theirs("wrap", "aes-kwp", aes, PLAINTEXT)
    opened = token.ours("unwrap", "aes", wrapped.hex(), "aes-kwp", *pairs)
    row.check("we open RFC 5649 by the mechanism that the token calls otherwise",
              opened.get("plaintext") == PLAINTEXT.hex(), str(opened))
    token.told("aes", {"origin": "imported"})
    token.as_root("aes", "aes")
    token.as_root("rsa", "rsa")

with run.row("provider", "pkcs11", against="nss softoken", version="of the system") as row:
    certutil = run.debian("certutil", "libnss3-tools")
    symkeyutil = run.debian("symkeyutil", "libnss3-tools")
    pk12util = run.debian("pk12util", "libnss3-tools")
    database = run.folder / "nss"
    database.mkdir()
    lines = run.folder / "pin-line"
    lines.write_text(PIN + "\n")
    noise = run.folder / "noise"
    noise.write_bytes(bytes(64))
    place = ["-d", f"sql:{database}"]
    must(certutil, "-N", *place, "-f", lines)
    # Keys that NSS makes, one of which it hands out again.
    must(certutil, "-S", *place, "-f", lines, "-n", "rsa", "-s", "CN=rsa", "-x", "-t", ",,", "-g", "2048", "-z", noise)
    must(symkeyutil, "-K", *place, "-f", lines, "-n", "aes", "-t", "aes", "-s", "32")
    must(pk12util, *place, "-k", lines, "-n", "rsa", "-o", run.folder / "rsa.p12", "-W", "out")
    exported = run.folder / "exported.pem"
    must(openssl, "pkcs12", "-in", run.folder / "rsa.p12", "-passin", "pass:out", "-nodes", "-nocerts", "-out", exported)
    token = Token(row, module=str(library("libsoftokn3.so")), token="NSS Certificate DB",
                  module_parameters=f"configdir='sql:{database}' certPrefix='' keyPrefix='' secmod='secmod.db'")
    private = next((key for key in token.ours("list")["keys"] if key.endswith("type=private")), "")
    token.both_ways(private, "rsa", exported)
    made = token.ours("wrap", "aes", PLAINTEXT.hex(), *pairs)
    opened = token.ours("unwrap", "aes", made["ciphertext"], made["key_version"], *pairs)
    row.check("wraps and opens with aes", opened.get("plaintext") == PLAINTEXT.hex(), str(opened))
    refused = token.ours("unwrap", "aes", made["ciphertext"], made["key_version"], "tenant=other")
    row.check("a wrap in another context", refused.get("error") == "denied", str(refused))
    token.told("aes", {"protection": "software"})
    token.as_root("aes", "aes")
    token.as_root(private, "rsa")
run.finish()

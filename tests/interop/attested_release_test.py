#!/usr/bin/env python3
"""Attested release by a worker that shares no code with us: its evidence is put together from docs/formats with cbor2
and cryptography, and what it is given is opened by pyhpke."""
import base64
import hashlib
import json
import subprocess

from key_service import POLICY, KeyService
from lib import interop

PACKAGES = ("pyhpke==0.6.5", "cbor2==6.3.0", "cryptography==46.0.3")
DATASET = "/v1/tenants/acme/datasets/models"
NOTHING = "sha256:" + "00" * 32
MANIFEST = f"""version = 1
name = "peer"
role = "infer"
image = "{NOTHING}"
configuration = "{NOTHING}"
model = "none"
logs = "none"
cache = "none"
egress = "none"
seccomp = "none"
"""

# One line of JSON in, one out: the worker.
PEER = r"""
import base64, hashlib, json, struct, sys, time
import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

signer, recipient = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
raw = lambda key: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
unpad = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
lp = lambda text: struct.pack("<H", len(text)) + text

def keys(told):
    spki = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.urlsafe_b64encode(raw(recipient)).decode().rstrip("=")
    return {"recipient": "cloister-recipient-x25519:" + text, "software_key": hashlib.sha256(spki).hexdigest()}

def evidence(told):
    manifest = hashlib.sha256(told["manifest"].encode()).digest()
    bound = ["cloister attestation report data 1", told["role"], unpad(told["challenge"]), raw(recipient), manifest,
             b"", b"", bytes(32)]
    said = b"CLOISTER-INSECURE-SOFTWARE-1" + raw(signer) + bytes(32) + manifest
    said += hashlib.sha512(cbor2.dumps(bound)).digest() + struct.pack("<Q", int(time.time() * 1000)) + bytes(3)
    statement = said + signer.sign(said)
    whole = b"CLOISTER-EVIDENCE-1" + lp(b"insecure_software") + struct.pack("<H", 1)
    whole += lp(b"statement") + struct.pack("<I", len(statement)) + statement + struct.pack("<H", 0)
    return {"evidence": base64.b64encode(whole).decode()}

def opened(told):
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    private = KEMKey.from_pyca_cryptography_key(recipient)
    info = cbor2.dumps(["cloister attested release 1", told["release"], told["tenant"], told["dataset"], told["purpose"]])
    try:
        context = suite.create_recipient_context(base64.b64decode(told["encapsulated"]), private, info=info)
        key = context.open(base64.b64decode(told["ciphertext"]), aad=base64.b64decode(told["object"]))
        return {"key": base64.b64encode(key).decode()}
    except Exception as error:
        return {"error": type(error).__name__}

for line in sys.stdin:
    told = json.loads(line)
    print(json.dumps({"keys": keys, "evidence": evidence, "open": opened}[told["do"]](told)), flush=True)
"""


class Peer:
    def __init__(self, python):
        self.process = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(10)

    def ask(self, do, **told):
        self.process.stdin.write(json.dumps({"do": do, **told}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def policy(software_key):
    return f"""version = 1
id = "interop-attested"
not_after = "never"
insecure_software_keys = "{software_key}"
[[release]]
name = "peers"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "{"00" * 32}"
lease_seconds = 60
"""


def order(service, peer, known, key, role="infer", manifest=MANIFEST, challenge=None):
    challenge = challenge or service.curl("POST", "/v1/attestation/challenges", {"role": role})["challenge"]
    said = peer.ask("evidence", challenge=challenge, role=role, manifest=manifest)
    return {"keys": [key], "attestation": {"challenge": challenge, "role": role, "recipient": known["recipient"],
                                           "manifest": base64.b64encode(manifest.encode()).decode(), **said}}


def try_releases(row, service, peer):
    known = peer.ask("keys")
    wrapped = base64.b64encode(b"object-1").decode()
    made = service.curl("POST", f"{DATASET}/generate", {"keys": [{"object": wrapped}]}, "ingest")["keys"][0]
    key = {"object": wrapped, "version": made["version"], "wrapped": made["wrapped"]}
    release = lambda body: service.curl("POST", f"{DATASET}/release", body, "infer")

    got = release(order(service, peer, known, key))
    row.check("nothing without a policy", got.get("code") == "refused", got)
    put = service.curl("PUT", "/v1/attestation/policy", {"document": policy(known["software_key"])})
    row.check("a policy comes into force", put.get("id") == "interop-attested", put)

    first = order(service, peer, known, key)
    got = release(first)
    if not row.check("evidence made from the documents is believed", "release" in got, got):
        return
    about = {"release": got["release"], "tenant": "acme", "dataset": "models", "purpose": "infer", "object": wrapped, **got["keys"][0]}
    row.check("the key opens", peer.ask("open", **about) == {"key": made["key"]})
    for name in ("release", "tenant", "dataset", "purpose"):
        row.check(f"it opens for no other {name}", "error" in peer.ask("open", **{**about, name: "other"}))
    row.check("nor for another object", "error" in peer.ask("open", **{**about, "object": "b3RoZXI="}))
    row.check("the verdict says what it is worth", got["verdict"]["assurance"] == "insecure_software", got["verdict"])

    again = release(first)
    row.check("replayed evidence is refused", again.get("code") == "refused" and "isn't open" in again["detail"], again)
    stale = order(service, peer, known, key)
    stale["attestation"]["evidence"] = first["attestation"]["evidence"]
    got_stale = release(stale)
    row.check("evidence of another question is refused", "report-data" in got_stale.get("detail", ""), got_stale)
    other = release(order(service, peer, known, key, manifest=MANIFEST.replace("peer", "other")))
    row.check("another manifest is refused", "manifest" in other.get("detail", ""), other)
    plain = service.curl("POST", f"{DATASET}/unwrap", {"keys": [key]}, "infer")
    row.check("unwrapping is refused", plain.get("code") == "refused", plain)
    more = release({"keys": [key], "lease": got["release"]})
    row.check("a further key under the lease", peer.ask("open", **{**about, **more["keys"][0]}) == {"key": made["key"]}, more)

    replayed = json.loads(service.cli("--json", "attest", "replay", got["release"]))
    row.check("what was kept leads there again", replayed["same"] and replayed["record"] is not None, replayed)


run = interop.Run("attested_release")
worker = run.pip(*PACKAGES)
with KeyService(run, "", datasets=("models",), policy=POLICY) as keys:
    with run.row("client", "pyhpke and cbor2", against="attested release", version="0.6.5, 6.3.0") as client:
        with Peer(worker) as one:
            try_releases(client, keys, one)
run.finish()

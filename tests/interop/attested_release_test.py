#!/usr/bin/env python3
"""Attested release by a worker that shares no code with us: its evidence is put together from docs/formats with cbor2
and cryptography, and what it is given is opened by pyhpke. npm's @hpke/core opens what was sealed, too, and the Rust library
ear reads what a signed result says of it."""
import base64
import hashlib
import json
import os
import subprocess
import time

from key_service import POLICY, KeyService
from lib import interop

PACKAGES = ("pyhpke==0.6.5", "cbor2==6.3.0", "cryptography==46.0.3")
EAR = "0.6.0"
HPKE = "1.9.0"
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

def secret(told):
    info = cbor2.dumps(["cloister attested release 1", told["release"], told["tenant"], told["dataset"], told["purpose"]])
    private = recipient.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return {"private": base64.b64encode(private).decode(), "info": base64.b64encode(info).decode()}

for line in sys.stdin:
    told = json.loads(line)
    answer = {"keys": keys, "evidence": evidence, "open": opened, "secret": secret}[told["do"]](told)
    print(json.dumps(answer), flush=True)
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
    plain_key, key = new_key(service, b"object-1")
    wrapped = key["object"]
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
    row.check("the key opens", peer.ask("open", **about) == {"key": plain_key})
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
    row.check("a further key under the lease", peer.ask("open", **{**about, **more["keys"][0]}) == {"key": plain_key}, more)

    replayed = json.loads(service.cli("--json", "attest", "replay", got["release"]))
    row.check("what was kept leads there again", replayed["same"] and replayed["record"] is not None, replayed)


def new_key(service, name):
    wrapped = base64.b64encode(name).decode()
    made = service.curl("POST", f"{DATASET}/generate", {"keys": [{"object": wrapped}]}, "ingest")["keys"][0]
    return made["key"], {"object": wrapped, "version": made["version"], "wrapped": made["wrapped"]}


def try_opening(row, service, peer, node, modules):
    known = peer.ask("keys")
    plain, key = new_key(service, b"object-3")
    service.curl("PUT", "/v1/attestation/policy", {"document": policy(known["software_key"])})
    got = service.curl("POST", f"{DATASET}/release", order(service, peer, known, key), "infer")
    if not row.check("a release", "release" in got, got):
        return
    names = {"release": got["release"], "tenant": "acme", "dataset": "models", "purpose": "infer"}
    good = {**peer.ask("secret", **names), **got["keys"][0], "aad": key["object"]}
    other = peer.ask("secret", **{**names, "release": "0" * 32})
    changed = bytearray(base64.b64decode(good["ciphertext"]))
    changed[0] ^= 1
    told = [good, {**good, "info": other["info"]}, {**good, "aad": "b3RoZXI="},
            {**good, "ciphertext": base64.b64encode(changed).decode()}]
    done = subprocess.run([node, interop.SOURCE / "tests/interop/hpke_opener.mjs"], input="".join(json.dumps(one) + "\n" for one in told),
                          env={**os.environ, "MODULES": modules}, capture_output=True, text=True, check=False, timeout=30)
    said = [json.loads(line) for line in done.stdout.splitlines()] + [{}] * 4
    row.check("the key opens", said[0] == {"key": plain}, done.stderr)
    row.check("it opens for no other release", "error" in said[1], said)
    row.check("nor for another object", "error" in said[2], said)
    row.check("nor with a bit changed", "error" in said[3], said)


def read_by(ear, folder, key, token):
    (folder / "key.jwk").write_text(json.dumps(key))
    (folder / "result.jwt").write_text(token)
    done = subprocess.run([ear, folder / "key.jwk", folder / "result.jwt"], capture_output=True, text=True, check=False, timeout=30)
    return json.loads(done.stdout or json.dumps({"error": done.stderr}))


def try_results(row, service, peer, ear, folder):
    known = peer.ask("keys")
    _, key = new_key(service, b"object-2")
    service.curl("PUT", "/v1/attestation/policy", {"document": policy(known["software_key"])})
    asked = order(service, peer, known, key)
    got = service.curl("POST", f"{DATASET}/release", {**asked, "ear": True}, "infer")
    keys = {one["cloister.assurance"]: one for one in service.curl("GET", "/v1/attestation/result-keys")["keys"]}
    if not row.check("a release with its result", "ear" in got and set(keys) == {"hardware", "insecure_software"}, got):
        return
    said = read_by(ear, folder, keys["insecure_software"], got["ear"])
    row.check("its signature holds by the key of software", "error" not in said, said)
    row.check("it doesn't by that of hardware", "error" in read_by(ear, folder, keys["hardware"], got["ear"]))
    header, payload, signature = got["ear"].split(".")
    changed = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed["ear_status"] = "affirming"
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    row.check("nor for another payload", "error" in read_by(ear, folder, keys["insecure_software"], f"{header}.{forged}.{signature}"))
    row.check("the profile is the draft's", said.get("profile") == "tag:ietf.org,2026:rats/ear#04", said)
    row.check("the nonce is the challenge", said.get("nonce") == asked["attestation"]["challenge"], said)
    part = said.get("submods", {}).get("cpu0", {})
    row.check("software is contraindicated", said.get("status") == part.get("status") == "contraindicated" and part["hardware"] == 97, said)
    row.check("and what the policy allows is said", part.get("executables") == 2 and part["policies"] == ["interop-attested"], said)
    row.check("the verifier's claims are read", {"kind", "assurance", "judged_at", "checks"} <= set(part.get("verifier_claims", [])), said)
    row.check("it ends with the lease", 0 < said.get("expires", 0) - time.time() <= 60, said)
    again = folder / "again.jwt"
    service.cli("attest", "replay", got["release"], "--ear", again)
    replayed = read_by(ear, folder, keys["insecure_software"], again.read_text())
    row.check("the result of the replay says the same", replayed == said, replayed)


run = interop.Run("attested_release")
worker = run.pip(*PACKAGES)
with KeyService(run, "", datasets=("models",), policy=POLICY) as keys:
    with run.row("client", "pyhpke and cbor2", against="attested release", version="0.6.5, 6.3.0") as client:
        with Peer(worker) as one:
            try_releases(client, keys, one)
    with run.row("client", "@hpke/core", against="attested release", version=HPKE) as client:
        modules, program = run.npm(f"@hpke/core@{HPKE}", node=20), run.node(20)
        with Peer(worker) as one:
            try_opening(client, keys, one, program, modules)
    with run.row("client", "ear", against="attested release", version=EAR) as client:
        reader = run.cargo_build("ear_peer")
        with Peer(worker) as one:
            try_results(client, keys, one, reader, run.folder)
run.finish()

#!/usr/bin/env python3
"""Makes tests/vectors/model-signature anew: models signed by nothing but openssl and this script, and bundles to be refused.

Keys are drawn each time and thrown away, so the files change; what must come of them doesn't.
"""
import base64
import hashlib
import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "model-signature"
FILES = {"a-b": b"sorted before a/b", "a/b": b"weights" * 100, "config.json": b'{"layers": 2}\n', "empty": b""}
TYPE = "application/vnd.in-toto+json"
MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
SHARD = 64


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, input=data, timeout=60).stdout


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def statement(resources, serialization):
    root = sha256(b"".join(bytes.fromhex(entry["digest"]) for entry in resources))
    return {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "model", "digest": {"sha256": root}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {"serialization": {"hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [".git"], **serialization},
                          "resources": resources}}


def whole_files():
    return statement([{"name": name, "algorithm": "sha256", "digest": sha256(data)} for name, data in FILES.items()], {"method": "files"})


def shards():
    out = []
    for name, data in FILES.items():
        for start in range(0, len(data), SHARD):
            part = data[start:start + SHARD]
            out.append({"name": f"{name}:{start}:{start + len(part)}", "algorithm": f"sha256-sharded-{SHARD}", "digest": sha256(part)})
    return statement(out, {"method": "shards", "shard_size": float(SHARD)})


def bundle(payload, key, digest, material):
    if isinstance(payload, dict):
        payload = json.dumps(payload, indent=2).encode()
    encoded = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
    signature = openssl("dgst", f"-{digest}", "-sign", key, data=encoded)
    return {"mediaType": MEDIA, "verificationMaterial": material,
            "dsseEnvelope": {"payload": base64.b64encode(payload).decode(), "payloadType": TYPE,
                             "signatures": [{"sig": base64.b64encode(signature).decode()}]}}


def new_key(folder, name, curve):
    key = folder / f"{name}.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", key)
    public = openssl("pkey", "-in", key, "-pubout")
    (HERE / f"{name}.pub").write_bytes(public)
    return key, {"publicKey": {"hint": sha256(public)}}


def certificates(folder, key):
    subject = ["-days", "36500", "-sha256"]
    openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", *subject, "-keyout", folder / "root.key", "-out", HERE / "root.pem",
            "-subj", "/CN=root", "-addext", "keyUsage=critical,keyCertSign")
    extensions = folder / "leaf.ext"
    extensions.write_text("extendedKeyUsage=codeSigning\nsubjectAltName=email:release@example.org\n", encoding="utf-8")
    request = openssl("req", "-new", "-key", key, "-subj", "/CN=leaf")
    der = openssl("x509", "-req", "-CA", HERE / "root.pem", "-CAkey", folder / "root.key", "-set_serial", "7", *subject, "-extfile",
                  extensions, "-outform", "DER", data=request)
    return {"x509CertificateChain": {"certificates": [{"rawBytes": base64.b64encode(der).decode()}]}, "tlogEntries": []}


def write(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def refused(key, material):
    """By name: the bundle, each signed as it should be."""
    good = whole_files()
    changed = json.loads(json.dumps(good))
    changed["predicate"]["resources"][0]["digest"] = "00" * 32
    outside = statement([{"name": "../secret", "algorithm": "sha256", "digest": "00" * 32}], {"method": "files"})
    twice = statement([{"name": "a", "algorithm": "sha256", "digest": "00" * 32}] * 2, {"method": "files"})
    other = {**good, "predicateType": "https://example.com/wrong-predicate/v1.0"}
    blake = json.loads(json.dumps(good))
    blake["predicate"]["serialization"]["hash_type"] = "blake3"
    for name, payload in {"root-digest": changed, "outside": outside, "twice": twice, "predicate": other, "blake3": blake,
                          "no-files": statement([], {"method": "files"})}.items():
        write(f"refused-{name}", bundle(payload, key, "sha256", material))
    signed = bundle(good, key, "sha256", material)
    signed["dsseEnvelope"]["signatures"] *= 2
    write("refused-two-signatures", signed)


def main():
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, curve, digest in (("p256", "P-256", "sha256"), ("p384", "P-384", "sha384"), ("p521", "P-521", "sha512")):
            key, material = new_key(folder, name, curve)
            write(f"files-{name}", bundle(whole_files(), key, digest, material))
            if name == "p256":
                write("shards-p256", bundle(shards(), key, digest, material))
                write("no-hint-p256", bundle(whole_files(), key, digest, {"publicKey": {"rawBytes": "AAAA", "keyDetails": "x"}}))
                write("certificate", bundle(whole_files(), key, digest, certificates(folder, key)))
                refused(key, material)


if __name__ == "__main__":
    main()

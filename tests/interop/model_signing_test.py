#!/usr/bin/env python3
"""Signatures on models against the reference of OpenSSF model signing, PyPI model-signing: each verifies what the other signed, by key
and by certificate, and each refuses what was changed."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from lib import interop

CLOISTER = os.environ["CLOISTER"]
SYSTEM = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
VERSION = "1.1.1"
PYOPENSSL = "26.4.0"

run = interop.Run("model_signing")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, env=SYSTEM, timeout=60)


def said(*argv, environment=None):
    got = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, timeout=60, env=environment)
    return got.returncode, got.stdout + got.stderr


def new_key(folder, name, curve):
    key = folder / f"{name}.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", key)
    key.chmod(0o600)
    openssl("pkey", "-in", key, "-pubout", "-out", folder / f"{name}.pub")


def new_certificates(folder):
    """root.pem, and ci.pem issued by it for the key ci.key."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "root.key", "-out", folder / "root.pem",
            "-subj", "/CN=root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    extensions = folder / "ci.ext"
    extensions.write_text("basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"
                          "subjectAltName=email:release@example.org\n", encoding="utf-8")
    openssl("req", "-new", "-key", folder / "ci.key", "-out", folder / "ci.csr", "-subj", "/CN=ci")
    openssl("x509", "-req", "-in", folder / "ci.csr", "-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial",
            "-days", "1", "-sha256", "-extfile", extensions, "-out", folder / "ci.pem")


def new_model(folder):
    for name, content in {"config.json": "{}\n", "weights/a.bin": "a" * 70000, "weights-b": "b", "a:b": "colon", "ü": "umlaut",
                          ".gitignore": "x"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def tampered(model, change):
    """Copies of the model with each kind of change."""
    for what, edit in {"changed": lambda at: (at / "config.json").write_text("{ }\n"), "added": lambda at: (at / "new.py").write_text("x"),
                       "removed": lambda at: (at / "weights-b").unlink()}.items():
        copy = model.parent / f"{model.name}-{what}"
        shutil.copytree(model, copy)
        edit(copy)
        change(what, copy)
        shutil.rmtree(copy)


def by_key(row, reference, folder, curve):
    name = curve.replace("-", "").lower()
    new_key(folder, name, curve)
    ours, theirs = folder / f"ours-{name}", folder / f"theirs-{name}"
    for model in (ours, theirs):
        new_model(model)
    key, public = folder / f"{name}.key", folder / f"{name}.pub"

    status, text = said(CLOISTER, "model", "sign", ours, "--key", key)
    row.check(f"{curve}: we sign", status == 0, text)
    verify = [*reference, "verify", "key"]
    options = ["--signature", ours / "model.sig", "--public_key", public]
    status, text = said(*verify, ours, *options, environment=SYSTEM)
    row.check(f"{curve}: it verifies what we signed", status == 0 and "succeeded" in text, text)

    def refused_by_it(what, copy):
        status, text = said(*verify, copy, "--signature", copy / "model.sig", "--public_key", public, environment=SYSTEM)
        row.check(f"{curve}: it refuses what was {what}", status != 0, text)
    tampered(ours, refused_by_it)

    status, text = said(*reference, "sign", "key", theirs, "--private_key", key, "--signature", theirs / "model.sig", environment=SYSTEM)
    row.check(f"{curve}: it signs", status == 0, text)
    status, text = said(CLOISTER, "model", "verify", theirs, "--key", public)
    row.check(f"{curve}: we verify what it signed", status == 0, text)

    def refused_by_us(what, copy):
        status, text = said(CLOISTER, "model", "verify", copy, "--key", public)
        row.check(f"{curve}: we refuse what was {what}", status == 3, text)
    tampered(theirs, refused_by_us)


def by_certificate(row, reference, folder):
    new_key(folder, "ci", "P-256")
    new_certificates(folder)
    ours, theirs = folder / "ours-ci", folder / "theirs-ci"
    for model in (ours, theirs):
        new_model(model)
    status, text = said(CLOISTER, "model", "sign", ours, "--key", folder / "ci.key", "--certificates", folder / "ci.pem")
    row.check("certificate: we sign", status == 0, text)
    status, text = said(*reference, "verify", "certificate", ours, "--signature", ours / "model.sig", "--certificate_chain",
                        folder / "root.pem", environment=SYSTEM)
    row.check("certificate: it verifies what we signed", status == 0 and "succeeded" in text, text)
    status, text = said(*reference, "sign", "certificate", theirs, "--private_key", folder / "ci.key", "--signing_certificate",
                        folder / "ci.pem", "--certificate_chain", folder / "root.pem", "--signature", theirs / "model.sig", environment=SYSTEM)
    row.check("certificate: it signs", status == 0, text)
    root = ["--root", folder / "root.pem", "--identity"]
    status, text = said(CLOISTER, "model", "verify", theirs, *root, "release@example.org")
    row.check("certificate: we verify what it signed", status == 0, text)
    status, text = said(CLOISTER, "model", "verify", theirs, *root, "other@example.org")
    row.check("certificate: we refuse another identity", status == 4, text)


def one_file(row, reference, folder):
    file = folder / "model.bin"
    file.write_bytes(b"weights")
    key, public = folder / "p256.key", folder / "p256.pub"
    status, text = said(CLOISTER, "model", "sign", file, "--key", key)
    row.check("one file: we sign", status == 0, text)
    status, text = said(*reference, "verify", "key", file, "--signature", f"{file}.sig", "--public_key", public, environment=SYSTEM)
    row.check("one file: it verifies what we signed", status == 0, text)
    theirs = folder / "theirs.sig"
    status, text = said(*reference, "sign", "key", file, "--private_key", key, "--signature", theirs, environment=SYSTEM)
    row.check("one file: it signs", status == 0, text)
    status, text = said(CLOISTER, "model", "verify", file, "--key", public, "--signature", theirs)
    row.check("one file: we verify what it signed", status == 0, text)


# It imports pyOpenSSL and doesn't say so.
python = pathlib.Path(run.pip(f"model-signing=={VERSION}", f"pyOpenSSL=={PYOPENSSL}"))
reference = [python.parent / "model_signing"]
with (tempfile.TemporaryDirectory(prefix="cloister-models-") as scratch,
      run.row("client", "model-signing", against="model signatures", version=VERSION) as row):
    place = pathlib.Path(scratch)
    by_key(row, reference, place, "P-256")
    by_key(row, reference, place, "P-384")
    by_certificate(row, reference, place)
    one_file(row, reference, place)
run.finish()

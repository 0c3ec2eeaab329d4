#!/usr/bin/env python3
"""The content audit held against files that other programs wrote: data and model formats must be called readable,
other programs' ciphertext never, and encrypted only where the name of its key is known."""
import json
import subprocess
import sys

from lib import interop

READABLE = ("plaintext", "plaintext_unknown_type", "compressed")
UNKNOWN = "high_entropy_unknown"


def judge(run, folder, *keys):
    argv = [run.build / "tests/content_tool", folder, *keys]
    return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def write(run, python, kind):
    folder = run.folder / kind
    folder.mkdir()
    subprocess.run([python, interop.SOURCE / "tests/interop/content_writers.py", kind, folder], check=True,
                   env=run.environment(), timeout=100)
    return folder


def check_readable(row, judged, types):
    for name, (verdict, kind) in sorted(judged.items()):
        wanted = types.get(name)
        good = verdict in READABLE and (wanted is None or kind == wanted)
        row.check(f"{name} is readable" + (f": {wanted}" if wanted else ""), good, f"{verdict} {kind}")


def try_standard(run):
    with run.row("provider", "content audit", against="Python's own writers", version="of the system") as row:
        judged = judge(run, write(run, sys.executable, "standard"))
        check_readable(row, judged, {
            "rows.jsonl": "jsonl", "rows.csv": "csv", "rows.json": "json", "rows.jsonl.gz": "gzip:jsonl",
            "rows.jsonl.xz": "xz:jsonl", "rows.jsonl.bz2": "bzip2", "features.db": "sqlite", "bundle.zip": "zip",
            "checkpoint.pt": "torch-zip", "corpus.tar": "tar", "state-2.pkl": "pickle", "state-3.pkl": "pickle",
            "state-4.pkl": "pickle", "state-5.pkl": "pickle"})


def try_arrow(run):
    with run.row("provider", "content audit", against="pyarrow", version="17.0.0") as row:
        folder = write(run, run.pip("pyarrow==17.0.0", "numpy==1.26.4"), "arrow")
        judged = judge(run, folder)
        protected = {name: judged.pop(name) for name in ("rows-encrypted.parquet", "rows-gcm-ctr.parquet")}
        check_readable(row, judged, {
            "rows-none.parquet": "parquet", "rows-snappy.parquet": "parquet", "rows-zstd.parquet": "parquet",
            "rows-gzip.parquet": "parquet", "rows-plain-footer.parquet": "parquet-partly-encrypted",
            "rows-some-columns.parquet": "parquet-partly-encrypted", "rows.arrow": "arrow", "rows.orc": "orc"})
        known = judge(run, folder, "warehouse")
        for name, found in protected.items():
            row.check(f"{name} proves nothing without its key", found == [UNKNOWN, "parquet-encrypted"], found)
            row.check(f"{name} is encrypted by a known key", known[name] == ["encrypted", "parquet-encrypted"], known[name])


def try_models(run):
    specs = ("numpy==1.26.4", "safetensors==0.4.5", "h5py==3.11.0", "gguf==0.10.0", "sentencepiece==0.2.0", "onnx==1.16.2")
    with run.row("provider", "content audit", against="safetensors, gguf, onnx, h5py", version="0.4.5 and others") as row:
        judged = judge(run, write(run, run.pip(*specs), "models"))
        check_readable(row, judged, {
            "model.safetensors": "safetensors", "w.npy": "numpy", "w.npz": "npz", "model.h5": "hdf5",
            "model.gguf": "gguf", "model.onnx": "onnx"})


def try_jwe(run):
    with run.row("provider", "content audit", against="jwcrypto", version="1.5.6") as row:
        folder = write(run, run.pip("jwcrypto==1.5.6"), "jwe")
        judged, known = judge(run, folder), judge(run, folder, "jwe:k-1")
        for name in judged:
            row.check(f"{name} proves nothing without its key", judged[name] == [UNKNOWN, "jwe"], judged[name])
        row.check("token.jwe is encrypted by a known key", known["token.jwe"] == ["encrypted", "jwe"], known)


def try_age(run):
    with run.row("provider", "content audit", against="age", version="of the system") as row:
        age, keygen = run.debian("age", "age"), run.debian("age-keygen", "age")
        folder = run.folder / "age"
        folder.mkdir()
        identity = run.folder / "identity"
        subprocess.run([keygen, "-o", identity], check=True, capture_output=True)
        recipient = next(line for line in identity.read_text().split("\n") if "public key" in line).split()[-1]
        text = run.folder / "standard/rows.jsonl"
        subprocess.run([age, "-r", recipient, "-o", folder / "rows.age", text], check=True)
        subprocess.run([age, "-a", "-r", recipient, "-o", folder / "rows.asc", text], check=True)
        for name, found in judge(run, folder).items():
            row.check(f"{name} proves nothing", found == [UNKNOWN, "age"], found)


def try_gpg(run):
    with run.row("provider", "content audit", against="GnuPG", version="of the system") as row:
        gpg = run.debian("gpg", "gnupg")
        home, folder = run.folder / "gnupg", run.folder / "gpg"
        home.mkdir(mode=0o700)
        folder.mkdir()
        base = [gpg, "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        text = str(run.folder / "standard/rows.jsonl")
        subprocess.run([*base, "--quick-gen-key", "auditor@example.org", "rsa2048", "encr", "never"], check=True,
                       capture_output=True)
        to_key = [*base, "--trust-model", "always", "-r", "auditor@example.org"]
        subprocess.run([*to_key, "-o", folder / "rows.gpg", "-e", text], check=True)
        subprocess.run([*to_key, "--armor", "-o", folder / "rows.asc", "-e", text], check=True)
        subprocess.run([*base[:-1], "phrase", "-o", folder / "symmetric.gpg", "-c", text], check=True)
        listed = subprocess.run([*base, "--list-keys", "--with-colons"], capture_output=True, text=True, check=True).stdout
        key = next(line.split(":")[4] for line in listed.split("\n") if line.startswith("pub")).lower()
        known = judge(run, folder, f"openpgp:{key}")
        for name, found in judge(run, folder).items():
            row.check(f"{name} proves nothing without its key", found == [UNKNOWN, "openpgp"], found)
        row.check("rows.gpg is encrypted by a known key", known["rows.gpg"] == ["encrypted", "openpgp"], known)
        row.check("symmetric.gpg names no key", known["symmetric.gpg"] == [UNKNOWN, "openpgp"], known)
        subprocess.run([run.debian("gpgconf", "gnupg"), "--homedir", home, "--kill", "all"], check=False)


def try_openssl(run):
    with run.row("provider", "content audit", against="openssl enc", version="of the system") as row:
        openssl = run.debian("openssl", "openssl")
        folder = run.folder / "openssl"
        folder.mkdir()
        for cipher in ("aes-256-cbc", "aes-256-ctr", "aes-128-ecb"):
            subprocess.run([openssl, "enc", f"-{cipher}", "-pbkdf2", "-pass", "pass:x", "-in",
                            run.folder / "standard/rows.jsonl", "-out", folder / cipher], check=True)
        # The same 16 bytes again and again: ECB leaves them the same.
        (run.folder / "repetitive").write_bytes(b"0123456789abcdef" * 5000)
        subprocess.run([openssl, "enc", "-aes-256-ecb", "-nosalt", "-pbkdf2", "-pass", "pass:x", "-in", run.folder / "repetitive",
                        "-out", folder / "repetitive-ecb"], check=True)
        judged = judge(run, folder)
        row.check("ECB of what repeats is found", judged.pop("repetitive-ecb")[0] in READABLE, judged)
        for name, found in judged.items():
            row.check(f"{name} is never called encrypted", found[0] in (UNKNOWN, *READABLE), found)
        for name in ("aes-256-cbc", "aes-256-ctr"):
            row.check(f"{name} isn't called readable", judged[name] == [UNKNOWN, "openssl-salted"], judged[name])


def try_luks(run):
    with run.row("provider", "content audit", against="cryptsetup", version="of the system") as row:
        cryptsetup = run.debian("cryptsetup", "cryptsetup-bin")
        folder = run.folder / "luks"
        folder.mkdir()
        for kind in ("luks1", "luks2"):
            volume = folder / kind
            with open(volume, "wb") as out:
                out.truncate(24 << 20)
            made = subprocess.run([cryptsetup, "luksFormat", "--batch-mode", "--type", kind, "--key-file", "-",
                                   "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", volume],
                                  input=b"phrase", capture_output=True, check=False)
            if made.returncode != 0:
                raise interop.Absent("cryptsetup can't format a file here: " + made.stderr.decode(errors="replace").strip())
            uuid = subprocess.run([cryptsetup, "luksUUID", volume], capture_output=True, text=True, check=True).stdout.strip()
            found = judge(run, folder)[kind]
            known = judge(run, folder, f"luks:{uuid}")[kind]
            row.check(f"{kind} proves nothing without its key", found == [UNKNOWN, kind], found)
            row.check(f"{kind} is encrypted by a known key", known == ["encrypted", kind], known)


def main():
    run = interop.Run("posture_content")
    try_standard(run)
    for attempt in (try_arrow, try_models, try_jwe, try_age, try_gpg, try_openssl, try_luks):
        attempt(run)
    run.finish()


if __name__ == "__main__":
    main()

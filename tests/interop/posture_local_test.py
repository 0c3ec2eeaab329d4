#!/usr/bin/env python3
"""The posture audit of volumes that cryptsetup made, on loop devices: and of a file system that lies in a file."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

from lib import interop

ESTATE = """version = 1
id = "local"
[[location]]
name = "data"
address = "file:{path}"
kind = "training-data"
owner = "data"
environment = "production"
sensitivity = "internal"
{more}"""


def tool(*argv, stdin=""):
    done = subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stderr}")
    return done.stdout.strip()


@contextlib.contextmanager
def loop(image, *options):
    """The image as a device, for as long as that lasts."""
    done = subprocess.run(["losetup", "-f", "--show", *options, image], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise interop.Absent("loop devices can't be set up here")
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run(["losetup", "-d", done.stdout.strip()], check=False, timeout=30)


@contextlib.contextmanager
def mounted(device, folder):
    if subprocess.run(["mount", device, folder], capture_output=True, check=False, timeout=30).returncode != 0:
        raise interop.Absent("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=False, timeout=30)


@contextlib.contextmanager
def opened(device, name):
    """The volume behind a LUKS device; None where the kernel has no device mapper."""
    done = subprocess.run(["cryptsetup", "open", "--key-file", "-", device, name], input="test", capture_output=True, text=True,
                          check=False, timeout=60)
    if done.returncode != 0:
        yield None
        return
    try:
        yield f"/dev/mapper/{name}"
    finally:
        subprocess.run(["cryptsetup", "close", name], check=False, timeout=30)


def volume(folder, name, *options):
    image = folder / f"{name}.img"
    with open(image, "wb") as file:
        file.truncate(40 << 20)
    tool("cryptsetup", "luksFormat", "-q", "--pbkdf-force-iterations", "1000", *options, image, "-", stdin="test")
    return image


def audit(run, folder, path, more=""):
    """The storage.encryption of that place: its values, or why it is not assessed."""
    (folder / "estate.toml").write_text(ESTATE.format(path=path, more=more), encoding="utf-8")
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    done = subprocess.run([os.environ["CLOISTER"], "posture", "audit", "--estate", folder / "estate.toml", "--no-store", "--only",
                           "local-storage", "--report", report], env=run.environment(CLOISTER_HOME=str(folder / "none")),
                          capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    facts = [fact for fact in json.loads(report.read_text(encoding="utf-8"))["facts"] if fact["kind"] == "storage.encryption"]
    return facts[0].get("not_assessed", facts[0]["values"])


def headers(run, row, folder):
    image = volume(folder, "two", "--type", "luks2", "--pbkdf", "pbkdf2")
    uuid = tool("cryptsetup", "luksUUID", image)
    with loop(image, "-r") as device:
        found = audit(run, folder, device)
        row.check("LUKS2 by its header", [found.get(name) for name in ("encrypted", "scheme", "algorithm", "key", "key_manager")] ==
                  ["yes", "luks2", "aes-256-xts", f"luks:{uuid}", "none"], found)
        declared = audit(run, folder, device, f'[[key]]\nname = "luks:{uuid}"\nclass = "kek"\nowner = "security"\n')
        row.check("its key is the operator's when the estate declares it", declared.get("key_manager") == "operator", declared)
    with loop(volume(folder, "one", "--type", "luks1", "--cipher", "aes-cbc-essiv:sha256", "-s", "128"), "-r") as device:
        found = audit(run, folder, device)
        row.check("LUKS1 of 128 bits", [found.get(name) for name in ("scheme", "algorithm")] == ["luks1", "aes-128-cbc"], found)
    tool("cryptsetup", "reencrypt", "-q", "--init-only", "--key-file", "-", image, stdin="test")
    with loop(image, "-r") as device:
        found = audit(run, folder, device)
        row.check("a volume that is being re-encrypted is unknown", found.get("encrypted") == "unknown", found)


def file_systems(run, row, folder):
    image, point = folder / "plain.img", folder / "plain"
    point.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    tool("mkfs.ext4", "-q", image)
    with loop(image) as device, mounted(device, point):
        found = audit(run, folder, point)
        lies_on = audit(run, folder, folder)
        row.check("a file system in a file is what the file lies on", found == lies_on, [found, lies_on])
    point, name = folder / "sealed", f"cloister-test-{os.getpid()}"
    point.mkdir()
    with loop(volume(folder, "open", "--type", "luks2", "--pbkdf", "pbkdf2")) as device, opened(device, name) as inner:
        if inner is None:
            row.skip("a mounted LUKS volume", "the kernel has no device mapper")
            return
        tool("mkfs.ext4", "-q", inner)
        with mounted(inner, point):
            found = audit(run, folder, point)
            row.check("a mounted LUKS volume", [found.get(part) for part in ("encrypted", "algorithm")] == ["yes", "aes-256-xts"], found)


def main():
    run = interop.Run("posture_local")
    if os.geteuid() != 0:
        raise interop.Absent("loop devices are for root alone")
    run.debian("cryptsetup", "cryptsetup-bin")
    with tempfile.TemporaryDirectory() as name, run.row("provider", "posture: volumes", against="cryptsetup", version="of the system") as row:
        folder = pathlib.Path(name).resolve()
        headers(run, row, folder)
        file_systems(run, row, folder)
    run.finish()


main()

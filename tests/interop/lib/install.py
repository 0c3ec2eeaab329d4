"""Installs other people's software aside: ~/.cache/cloister/interop or $CLOISTER_INTEROP_CACHE, once for each set of specs.

Each installation has a folder of its own, named by a hash of what is in it and of the runtime it is for. Two tests that
want the same one wait for each other by a lock; a folder that wasn't finished is begun anew. Raises Absent where a
runtime is missing or too old or a registry is out of reach, Failure where the registry doesn't have what is asked for.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

from .absent import Absent

patience_s = 400  # of a test; what is installed ahead may take longer
MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
UNREACHABLE = re.compile(
    r"NewConnectionError|Failed to establish a new connection|name resolution|Name or service not known|no such host|"
    r"ConnectTimeoutError|ReadTimeoutError|Read timed out|timed out|Connection refused|ConnectionRefused|ProxyError|"
    r"Network is unreachable|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|"
    r"i/o timeout|Unknown host|"
    r"\bForbidden\b|HTTP error (403|407|429|5\d\d)|Service Unavailable|Bad Gateway|Too Many Requests|\bE(403|429|50\d)\b", re.I)


class Failure(Exception):
    """The registry was there, and what was asked for wasn't."""


def cache():
    chosen = os.environ.get("CLOISTER_INTEROP_CACHE")
    return pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".cache/cloister/interop"


@contextlib.contextmanager
def folder_for(kind, *what):
    """The folder of an installation and whether it is already whole; the one who gets False fills it."""
    name = hashlib.sha256("\0".join([kind, os.uname().machine, *what]).encode()).hexdigest()[:24]
    folder = cache() / kind / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = folder / "whole"
        if whole.exists():
            yield folder, True
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder, False
        whole.write_text("\n".join(what) + "\n")


def call(what, argv, environment=None, folder=None):
    """Runs an installer. Nothing that it says of its registry's host is passed on."""
    try:
        got = subprocess.run(["nice", *map(str, argv)], capture_output=True, text=True, errors="replace", cwd=folder, check=False,
                             timeout=patience_s, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired:
        raise Absent(f"{what} could not be installed within {patience_s} s") from None
    if got.returncode == 0:
        return got.stdout
    said = re.sub(r"https?://[^\s/]+", "https://…", got.stdout + got.stderr)
    if found := UNREACHABLE.search(said):
        print(f"{what}: {found.group(0)}", file=sys.stderr)
        raise Absent(f"{what}: its registry is out of reach")
    raise Failure(f"install {what}: {said[-3000:]}")


def python():
    """A Python that can make virtual environments."""
    for candidate in (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3"):
        try:
            if subprocess.run([candidate, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    raise Absent("python3-venv is not installed")


def pip(*specs):
    interpreter = python()
    with folder_for("pip", interpreter, version_of([interpreter, "--version"], "Python"), *sorted(specs)) as (folder, whole):
        if not whole:
            call("a virtual environment", [interpreter, "-m", "venv", folder])
            call(" ".join(specs), [folder / "bin/python", "-m", "pip", "install", "--quiet", "--retries", "1", "--no-input",
                                   "--disable-pip-version-check", *specs])
        return str(folder / "bin/python")


def version_of(argv, name):
    """The version that a program says it has, "20.1.2"; Absent where it isn't there."""
    try:
        got = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        raise Absent(f"{name} is not installed") from None
    found = re.search(r"\d+(\.\d+)*", got.stdout + got.stderr)
    if got.returncode or not found:
        raise Absent(f"{name} is not installed")
    return found.group(0)


def needs(name, have, least):
    def numbers(text):
        return [int(part) for part in str(text).split(".")]
    if numbers(have)[:len(numbers(least))] < numbers(least):
        raise Absent(f"{name} {least} is needed, and {have} is here")


def node(least):
    needs("Node.js", version_of(["node", "--version"], "Node.js"), least)
    return shutil.which("node")


def npm(*specs, node):
    version = version_of(["node", "--version"], "Node.js")
    needs("Node.js", version, node)
    version_of(["npm", "--version"], "npm")
    with folder_for("npm", version.split(".")[0], *sorted(specs)) as (folder, whole):
        if not whole:
            (folder / "package.json").write_text('{"private": true}\n')
            call(" ".join(specs), ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
                                   "--save-exact", "--fetch-retries=1", *specs], {"npm_config_cache": str(cache() / "npm/packages")}, folder)
        return str(folder)


def go_settings(go):
    have = version_of(["go", "version"], "Go")
    needs("Go", have, go)
    store = cache() / "go"
    return have, {"GOFLAGS": "-mod=mod -modcacherw -buildvcs=false", "GOTOOLCHAIN": "local", "GOMODCACHE": str(store / "modules"),
                  "GOCACHE": str(store / "built"), "GOMAXPROCS": "2", "GOWORK": "off"}


def go_install(spec, go, tags):
    have, settings = go_settings(go)
    with folder_for("go", have, spec, tags) as (folder, whole):
        if not whole:
            call(spec, ["go", "install", "-tags", tags, spec], {**settings, "GOBIN": str(folder / "bin")})
        return str(next((folder / "bin").iterdir()))


def go_build(source, go, tags):
    have, settings = go_settings(go)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    sums = [f"{path.relative_to(source)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    with folder_for("go", have, tags, *sums) as (folder, whole):
        if not whole:
            # What lies in the source folder stays as it is: go may want to write go.sum.
            shutil.copytree(source, folder / "source")
            call(source.name, ["go", "build", "-tags", tags, "-o", folder / "program", "."], settings, folder / "source")
        return str(folder / "program")


def cargo_build(source, least):
    have = version_of(["cargo", "--version"], "Rust")
    needs("Rust", have, least)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    sums = [f"{path.relative_to(source)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    with folder_for("cargo", have, *sums) as (folder, whole):
        if not whole and not os.environ.get("CLOISTER_INTEROP_COMPILE"):
            raise Absent("Rust peers take minutes to compile: CLOISTER_INTEROP_COMPILE=1 has them compiled, once")
        if not whole:
            # What lies in the source folder stays as it is: cargo writes a lock beside it.
            shutil.copytree(source, folder / "source")
            call(source.name, ["cargo", "build", "--release", "--jobs", "2"], {"CARGO_TARGET_DIR": str(folder / "target")}, folder / "source")
            shutil.copy(folder / "target/release" / source.name, folder / "program")
            shutil.rmtree(folder / "target")
        return str(folder / "program")


def maven(spec, java):
    have = version_of(["java", "-version"], "Java")
    needs("Java", have, java)
    version_of(["mvn", "--version"], "Maven")
    with folder_for("maven", spec) as (folder, whole):
        if not whole:
            call(spec, ["mvn", "--quiet", "--batch-mode", f"-Dmaven.repo.local={cache() / 'maven/repository'}",
                        f"{MAVEN_PLUGIN}:copy", f"-Dartifact={spec}", f"-DoutputDirectory={folder / 'artifact'}"], folder=folder)
        return str(next((folder / "artifact").iterdir()))

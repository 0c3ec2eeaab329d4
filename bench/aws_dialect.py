#!/usr/bin/env python3
"""The AWS dialect beside moto, an independent stand-in of AWS KMS: one boto3 client against both, and a load of one
signed request without boto3 (wrk), each server on the first processor. moto keeps everything in memory, verifies no
signature and records nothing; cloisterd does all of it, over TLS, each use durably on record before it is answered.
  CLOISTER=… bench/aws_dialect.py"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib import install, processes  # noqa: E402 (the folder is known only now)
from lib.absent import Absent  # noqa: E402

APPS = pathlib.Path(os.environ["CLOISTER"]).parent
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
REGION = "eu-central-1"
POLICY = "version = 1\nid = \"bench\"\nnot_after = \"never\"\n" + "".join(f"""[[allow]]
name = "{who}"
caller = "spiffe://bench.test/{who}/*"
operation = "any"
tenant = "any"
environment = "any"
dataset = "any"
purpose = "any"
""" for who in ("ops", "acme")) + """[[quota]]
tenant = "any"
requests_per_second = 1000000000
burst = 1000000000
keys_per_batch = 1
"""

# Runs where boto3 is: one operation for so long; answers how many there were, and signed headers and a body to repeat.
CLIENT = """
import json, sys, time
import boto3, botocore.auth, botocore.awsrequest, botocore.credentials
endpoint, region, ca, key_id, secret, length = sys.argv[1:7]
kms = boto3.client("kms", endpoint_url=endpoint, region_name=region, verify=ca or None, aws_access_key_id=key_id,
                   aws_secret_access_key=secret)
key = kms.create_key()["KeyMetadata"]["KeyId"]
sealed = kms.encrypt(KeyId=key, Plaintext=b"x" * 32, EncryptionContext={"a": "b"})["CiphertextBlob"]
calls = {"encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=b"x" * 32, EncryptionContext={"a": "b"}),
         "decrypt": lambda: kms.decrypt(CiphertextBlob=sealed, KeyId=key, EncryptionContext={"a": "b"}),
         "generate_data_key": lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})}
figures = {}
for name, call in calls.items():
    call()
    count, start = 0, time.monotonic()
    while time.monotonic() - start < float(length):
        call()
        count += 1
    figures[name] = count / (time.monotonic() - start)
import base64
body = json.dumps({"CiphertextBlob": base64.b64encode(sealed).decode(), "KeyId": key, "EncryptionContext": {"a": "b"}})
request = botocore.awsrequest.AWSRequest("POST", endpoint + "/", data=body, headers={
    "content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Decrypt"})
botocore.auth.SigV4Auth(botocore.credentials.Credentials(key_id, secret), "kms", region).add_auth(request)
print(json.dumps({"figures": figures, "headers": dict(request.headers.items()), "body": body}))
"""


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def others():
    return f"1-{max(1, os.cpu_count() - 1)}"


class Moto:
    name = "moto"

    def __init__(self, folder):
        self.port = processes.free_port()
        self.python = install.pip("moto[server]==5.2.5")
        self.argv = ["taskset", "-c", "0", self.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.folder, self.ready = folder, ("127.0.0.1", self.port)
        self.endpoint, self.ca = f"http://127.0.0.1:{self.port}", ""

    def credentials(self):
        return "id", "secret"


class Cloister:
    name = "cloisterd"

    def __init__(self, folder):
        self.folder = folder
        self.port = processes.free_port()
        openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out",
                   folder / "cert.pem"]
        subprocess.run(openssl, check=True, capture_output=True)
        os.chmod(folder / "key.pem", 0o600)
        for command in (["init"], ["tenant", "create", "acme"]):
            subprocess.run([APPS / "cloister", "--home", folder / "home", "--quiet", *command], check=True,
                           stdin=subprocess.DEVNULL)
        self.config = folder / "cloisterd.toml"
        (folder / "policy.toml").write_text(POLICY)
        self.config.write_text(f"""home = "{folder}/home"
trust_domain = "bench.test"
[listen]
unix = "{folder}/keys.sock"
[policy]
file = "{folder}/policy.toml"
[limits]
io_threads = 1
workers = 1
[log]
level = "warning"
[anomalies]
enabled = false
[[unix_user]]
uid = {os.getuid()}
id = "spiffe://bench.test/ops/anna"
[dialect_aws]
listen = ["127.0.0.1:{self.port}"]
region = "{REGION}"
certificate = "{folder}/cert.pem"
key = "{folder}/key.pem"
""")
        for path in (self.config, folder / "policy.toml"):
            path.chmod(0o600)
        self.argv = ["taskset", "-c", "0", APPS / "cloisterd", "--config", self.config]
        self.ready = ("127.0.0.1", self.port)
        self.endpoint, self.ca = f"https://localhost:{self.port}", str(folder / "cert.pem")

    def credentials(self):
        path = self.folder / "credentials"
        if not path.exists():
            subprocess.run([APPS / "cloisterd", "--config", self.config, "access-key", "create", "acme",
                            "spiffe://bench.test/acme/app", "--purpose", "operate", "--out", path], check=True,
                           capture_output=True)
        lines = dict(line.split(" = ", 1) for line in path.read_text().splitlines() if " = " in line)
        return lines["aws_access_key_id"], lines["aws_secret_access_key"]


def wrk(server, told, process):
    """Operations a CPU second of the server's, and by the clock."""
    if shutil.which("wrk") is None:
        return None
    script = server.folder / "decrypt.lua"
    headers = "".join(f"wrk.headers[ [[{name}]] ] = [[{value}]]\n" for name, value in told["headers"].items())
    script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{told['body']}]]\n{headers}")
    before, start = cpu_seconds(process), time.monotonic()
    done = subprocess.run(["taskset", "-c", others(), "wrk", "-t1", "-c16", f"-d{SECONDS:.0f}s", "-s", script,
                           server.endpoint + "/"], capture_output=True, text=True, check=True)
    spent, passed = cpu_seconds(process) - before, time.monotonic() - start
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{server.name} refuses the request: {done.stdout}")
    count = int(next(line.split()[0] for line in done.stdout.splitlines() if "requests in" in line))
    return count / spent, count / passed


def round_of(server, boto, results):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with processes.Server(server.folder, [str(part) for part in server.argv], server.ready, environment, False, 60,
                          None) as running:
        access, secret = server.credentials()
        process = running.pid
        before = cpu_seconds(process)
        done = subprocess.run(["taskset", "-c", others(), boto, "-c", CLIENT, server.endpoint, REGION, server.ca, access,
                               secret, str(SECONDS)], capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        told = json.loads(done.stdout)
        spent = cpu_seconds(process) - before
        calls = sum(rate * SECONDS for rate in told["figures"].values())
        results.setdefault("boto3, all three, a CPU second of the server", []).append(calls / spent)
        for name, rate in told["figures"].items():
            results.setdefault(f"boto3 {name}, a second", []).append(rate)
        load = wrk(server, told, process)
        if load:
            results.setdefault("signed Decrypt, 16 connections, a CPU second", []).append(load[0])
            results.setdefault("signed Decrypt, 16 connections, a second", []).append(load[1])


def main():
    with tempfile.TemporaryDirectory(prefix="cloister-bench-") as name:
        work = pathlib.Path(name)
        try:
            boto = install.pip("boto3==1.40.76")
            servers = []
            for kind in (Cloister, Moto):
                folder = work / kind.name
                folder.mkdir()
                servers.append(kind(folder))
        except Absent as absent:
            print(f"aws-dialect: {absent.reason}, skipped")
            return
        results = {server.name: {} for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                round_of(server, boto, results[server.name])
        print(f"the AWS dialect beside moto, each server on one core, {ROUNDS} rounds in turn")
        for what in results["cloisterd"]:
            ours, theirs = (statistics.median(results[server.name][what]) for server in servers)
            print(f"  {what:48} cloisterd {ours:9.0f}  moto {theirs:9.0f}  ratio {ours / theirs:6.1f}")


main()

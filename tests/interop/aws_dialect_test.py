#!/usr/bin/env python3
"""The AWS dialect by clients that know nothing of us: boto3, the AWS CLI, the AWS SDK for JavaScript, and the AWS
Encryption SDK; over TLS, by a certificate authority of the test's own."""
import json
import os
import pathlib
import shutil
import subprocess

from key_service import POLICY, KeyService
from lib import interop

BOTO3 = "1.40.76"
CLI = "1.45.64"
CLIENT_KMS = "3.1164.0"
ENCRYPTION_SDK = "4.0.7"
REGION = "eu-test-1"
DRAW = """[[allow]]
name = "draw"
caller = "spiffe://acme.test/acme/*"
operation = "random"
purpose = "any"
"""
HERE = pathlib.Path(__file__).resolve().parent / "aws_dialect"
DATASET = "mnist"

run = interop.Run("aws_dialect")
port = interop.free_port()


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=run.folder)


def certificates():
    """An authority, and a certificate of it for localhost."""
    (run.folder / "leaf.ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n"
                                         "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a test's authority", "-days", "2",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "kms.key", "-out", "kms.csr", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "kms.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "kms.pem", "-extfile", "leaf.ext")
    os.chmod(run.folder / "kms.key", 0o600)


def access_key(service, tenant, name):
    """Made by the command line: what is in its file."""
    path = run.folder / f"{tenant}-{name}"
    subprocess.run([service.programs / "cloisterd", "--config", service.config, "access-key", "create", tenant,
                    f"spiffe://acme.test/{tenant}/{name}", "--purpose", "operate", "--out", path], check=True,
                   capture_output=True)
    if path.stat().st_mode & 0o777 != 0o600:
        raise RuntimeError(f"{path} may be read by others")
    lines = dict(line.split(" = ", 1) for line in path.read_text().splitlines() if " = " in line)
    return {"id": lines["aws_access_key_id"], "secret": lines["aws_secret_access_key"], "file": str(path)}


def checks(row, argv, environment):
    """The lines of a program that checks, as checks of the row."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, env=environment)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for line in lines:
        row.check(line["name"], line["good"], line["detail"])
    row.check("ran to its end", done.returncode == 0 and bool(lines), done.stdout[-2000:] + done.stderr[-4000:])


def cli_checks(row, told, environment):
    """The AWS CLI, by its shared-credentials file as the daemon wrote it."""
    aws = [shutil.which("aws", path=environment["PATH"]), "kms", "--endpoint-url", told["endpoint"], "--region", REGION,
           "--output", "json"]

    def call(*arguments):
        done = subprocess.run([*aws, *arguments], capture_output=True, text=True, check=False, env=environment)
        return done.returncode, done.stdout + done.stderr

    status, text = call("create-key", "--description", "from the command line")
    row.check("create-key", status == 0, text)
    key = json.loads(text)["KeyMetadata"]["KeyId"]
    plain, sealed = run.folder / "plain", run.folder / "sealed"
    plain.write_bytes(b"attack at dawn")
    status, text = call("encrypt", "--key-id", key, "--plaintext", f"fileb://{plain}", "--encryption-context", "a=b")
    row.check("encrypt", status == 0, text)
    import base64
    sealed.write_bytes(base64.b64decode(json.loads(text)["CiphertextBlob"]))
    status, text = call("decrypt", "--ciphertext-blob", f"fileb://{sealed}", "--encryption-context", "a=b")
    opened = status == 0 and base64.b64decode(json.loads(text)["Plaintext"]) == b"attack at dawn"
    row.check("decrypt", opened, text)
    status, text = call("decrypt", "--ciphertext-blob", f"fileb://{sealed}")
    row.check("decrypt without its context", status != 0 and "InvalidCiphertextException" in text, text)
    status, text = call("list-aliases", "--key-id", f"alias/{DATASET}")
    row.check("list-aliases", status == 0 and f"alias/{DATASET}" in text, text)
    call("disable-key", "--key-id", key)
    status, text = call("generate-data-key", "--key-id", key, "--key-spec", "AES_256")
    row.check("generate-data-key of a disabled key", status != 0 and "DisabledException" in text, text)
    status, text = call("get-key-policy", "--key-id", key, "--policy-name", "default")
    row.check("get-key-policy", status != 0 and "UnsupportedOperationException" in text, text)


def revocation_checks(row, service, told, python):
    """An access key is listed without its secret, and ends when it is revoked."""
    key = access_key(service, "acme", "brief")
    daemon = [service.programs / "cloisterd", "--config", service.config, "access-key"]
    listed = subprocess.run([*daemon, "list", "acme"], check=True, capture_output=True, text=True).stdout
    row.check("access keys are listed without secrets", key["id"] in listed and key["secret"] not in listed, listed)
    code = ("import boto3, sys\nkms = boto3.client('kms', endpoint_url=sys.argv[1], region_name=sys.argv[2], verify=sys.argv[3], "
            "aws_access_key_id=sys.argv[4], aws_secret_access_key=sys.argv[5])\nkms.list_keys()")
    argv = [python, "-c", code, told["endpoint"], REGION, told["ca"], key["id"], key["secret"]]
    before = subprocess.run(argv, capture_output=True, text=True, check=False, env=run.environment())
    row.check("an access key works", before.returncode == 0, before.stderr)
    subprocess.run([*daemon, "revoke", "acme", key["id"]], check=True, capture_output=True)
    after = subprocess.run(argv, capture_output=True, text=True, check=False, env=run.environment())
    row.check("a revoked access key is refused", "UnrecognizedClientException" in after.stderr, after.stderr)
    again = subprocess.run([*daemon, "revoke", "acme", key["id"]], capture_output=True, text=True, check=False)
    row.check("none is revoked twice", again.returncode != 0 and "no such access key" in again.stderr, again.stderr)
    taken = subprocess.run([*daemon, "create", "acme", "spiffe://acme.test/acme/app", "--purpose", "operate", "--out", key["file"]],
                           capture_output=True, text=True, check=False)
    row.check("a credentials file isn't overwritten", taken.returncode != 0, taken.stderr)
    foreign = subprocess.run([*daemon, "create", "acme", "spiffe://acme.test/rival/app", "--purpose", "operate", "--out",
                              run.folder / "foreign"], capture_output=True, text=True, check=False)
    row.check("no access key speaks for another tenant", foreign.returncode != 0 and not (run.folder / "foreign").exists(),
              foreign.stderr)


def records_check(row, service):
    """What clients were refused is on record, with who asked and why."""
    records = service.records("acme")
    refused = [record for record in records if record["outcome"] == "refused"]
    by_signature = [record for record in records if record.get("extras", {}).get("authentication") == "sigv4"]
    row.check("uses are on record", any(record["action"] == "unwrap" and record["outcome"] == "allowed"
                                        for record in by_signature), str(records[-3:]))
    for words in ("doesn't open with this encryption context", "under another key", "signature we calculated",
                  "earlier than five minutes ago", "replayed: done before"):
        row.check(f"on record: {words}", any(words in record["detail"] for record in refused), str(refused[-3:]))


certificates()
service = KeyService(run, f"""[dialect_aws]
listen = ["127.0.0.1:{port}"]
region = "{REGION}"
certificate = "{run.folder}/kms.pem"
key = "{run.folder}/kms.key"
""", datasets=(DATASET,), policy=POLICY + DRAW)
with service:
    told = {"endpoint": f"https://localhost:{port}", "host": "localhost", "port": port, "region": REGION,
            "ca": str(run.folder / "ca.pem"), "dataset": DATASET,
            "credentials": {"app": access_key(service, "acme", "app"), "rival": access_key(service, "rival", "app")}}
    TOLD = service.write("told.json", json.dumps(told))
    with run.row("client", "boto3", against="aws-kms dialect", version=BOTO3) as row:
        python = run.pip(f"boto3=={BOTO3}", "cryptography==46.0.3")
        checks(row, [python, HERE / "boto3_checks.py", TOLD], run.environment())
        records_check(row, service)
        revocation_checks(row, service, told, python)
    with run.row("client", "AWS CLI", against="aws-kms dialect", version=CLI) as row:
        python = run.pip(f"awscli=={CLI}")
        environment = run.environment(AWS_SHARED_CREDENTIALS_FILE=told["credentials"]["app"]["file"],
                                      AWS_CA_BUNDLE=told["ca"], AWS_MAX_ATTEMPTS=1, AWS_EC2_METADATA_DISABLED="true")
        environment["PATH"] = f"{pathlib.Path(python).parent}:{environment['PATH']}"
        cli_checks(row, told, environment)
    with run.row("client", "@aws-sdk/client-kms", against="aws-kms dialect", version=CLIENT_KMS) as row:
        folder = run.npm(f"@aws-sdk/client-kms@{CLIENT_KMS}", node=20)
        checks(row, [run.node(20), HERE / "client_kms_checks.mjs", TOLD, folder],
               run.environment(NODE_EXTRA_CA_CERTS=told["ca"]))
    with run.row("client", "aws-encryption-sdk", against="aws-kms dialect", version=ENCRYPTION_SDK) as row:
        python = run.pip(f"aws-encryption-sdk=={ENCRYPTION_SDK}", f"boto3=={BOTO3}")
        checks(row, [python, HERE / "encryption_sdk_checks.py", TOLD], run.environment())
run.finish()

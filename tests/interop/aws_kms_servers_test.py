#!/usr/bin/env python3
"""The AWS KMS provider against other people's servers of AWS's protocol: moto, with its check of signatures, its STS and
over TLS, and local-kms, which holds keys to their states."""
import http.client
import json
import subprocess

from lib import interop

MOTO = "5.2.5"
LOCAL_KMS = "v0.0.0-20260228092603-2a5e92d09ab6"
REGION = "us-east-1"
DEK = "00112233445566778899aabbccddeeff" * 2


class Server:
    """What is asked behind the provider's back: to make keys, and to put them into states."""

    def __init__(self, port):
        self.port = port

    def post(self, service, body, headers, path="/"):
        scope = f"AKIDADMIN/20260101/{REGION}/{service}/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{service}: status {answer.status}: {text}")
        return text

    def kms(self, operation, **members):
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"}
        text = self.post("kms", json.dumps(members), headers)
        return json.loads(text) if text else {}

    def make_key(self):
        return self.kms("CreateKey")["KeyMetadata"]["Arn"]


class Tool:
    """kms_tool with options and credentials; each call gives its exit status and its JSON."""

    def __init__(self, run, name, endpoint, credentials=None, **options):
        self.program = run.build / "tests/kms_tool"
        self.options = run.folder / f"{name}.json"
        self.evidence = run.folder / f"{name}.evidence"
        text = {"region": REGION, "endpoint": endpoint, "evidence_file": str(self.evidence), **options}
        self.options.write_text(json.dumps(text), encoding="utf-8")
        if credentials is None:
            credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
        self.environment = run.environment(AWS_EC2_METADATA_DISABLED="true", **credentials)

    def __call__(self, *arguments):
        done = subprocess.run([self.program, "aws-kms", self.options, *arguments], env=self.environment, check=False,
                              capture_output=True, text=True, timeout=120)
        if not done.stdout:
            raise RuntimeError(f"kms_tool {arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def wrap(self, key, *context):
        return self("wrap", key, DEK, *context)["ciphertext"]

    def unwrap(self, key, ciphertext, *context):
        return self("unwrap", key, ciphertext, "", *context)

    def all_keys(self):
        keys, cursor, pages = [], "", 0
        while True:
            page = self("list", cursor)
            keys += page["keys"]
            cursor, pages = page["next"], pages + 1
            if not cursor or pages > 20:
                return keys, pages


def refused(answer, code, word):
    return answer.get("error") == code and word in answer["message"]


def check_wraps(row, tool, key, other):
    """What holds on every server that is faithful."""
    wrapped = tool.wrap(key, "tenant=acme", "purpose=kek")
    row.check("wrap and unwrap", tool.unwrap(key, wrapped, "purpose=kek", "tenant=acme") == {"plaintext": DEK})
    answer = tool.unwrap(key, wrapped, "purpose=kek", "tenant=other")
    row.check("another context is refused", refused(answer, "denied", "InvalidCiphertextException"), answer)
    for place, name in ((len(wrapped) - 1, "last"), (len(wrapped) - 60, "earlier")):
        changed = wrapped[:place] + format(int(wrapped[place], 16) ^ 1, "x") + wrapped[place + 1:]
        answer = tool.unwrap(key, changed, "purpose=kek", "tenant=acme")
        row.check(f"a changed {name} byte is refused", refused(answer, "denied", "InvalidCiphertextException"), answer)
    answer = tool.unwrap(other, wrapped, "purpose=kek", "tenant=acme")
    row.check("another key is refused", answer.get("error") in ("denied", "corrupt"), answer)
    absent = key[:-1] + ("0" if key[-1] != "0" else "1")
    answer = tool("wrap", absent, DEK)
    row.check("an unknown key is not found", refused(answer, "not-found", "NotFoundException"), answer)
    root = tool("root", key)
    row.check("is a root", root.get("opens") is True and root.get("in_another_context") == "denied", root)
    row.check("health", tool("health").get("serving") is True)


def check_facts(row, posture, **expected):
    for name, value in expected.items():
        row.check(f"describe: {name}", posture.get(name) == value, f"{posture.get(name)}, not {value}")


def moto_describes(row, tool, server, key):
    posture = tool("describe", key)
    check_facts(row, posture, key=key, managed_by="customer", origin="provider", protection="hsm", state="enabled",
                algorithm="SYMMETRIC_DEFAULT", deletion_scheduled=None, last_rotated=None)
    row.check("describe: rotation is off", posture["rotation"].get("automatic") is False, posture["rotation"])
    row.check("describe: the default policy", posture["policy_findings"] == ["wildcard-action", "decrypt-unattested"],
              posture["policy_findings"])
    row.check("describe: last use is not assessed", "not_assessed" in posture["last_used"], posture["last_used"])
    server.kms("EnableKeyRotation", KeyId=key)
    server.kms("RotateKeyOnDemand", KeyId=key)
    posture = tool("describe", key)
    row.check("describe: rotation is on", posture["rotation"].get("automatic") is True, posture["rotation"])
    row.check("describe: last rotated", isinstance(posture["last_rotated"], str), posture["last_rotated"])
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}]}
    server.kms("PutKeyPolicy", KeyId=key, PolicyName="default", Policy=json.dumps(public))
    found = tool("describe", key)["policy_findings"]
    row.check("describe: a public policy", found == ["public-principal", "decrypt-unattested"], found)
    doomed = server.make_key()
    server.kms("ScheduleKeyDeletion", KeyId=doomed.split("/")[1], PendingWindowInDays=7)
    posture = tool("describe", doomed)
    row.check("describe: pending deletion",
              posture["state"] == "pending-deletion" and isinstance(posture["deletion_scheduled"], str), posture)


def moto_signatures(run, row, server, key):
    """moto verifies signatures, by botocore, once it is told to."""
    def iam(action, **members):
        body = "&".join([f"Action={action}", "Version=2010-05-08"] + [f"{name}={value}" for name, value in members.items()])
        return server.post("iam", body, {"Content-Type": "application/x-www-form-urlencoded"})

    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}'
    quoted = everything.replace("%", "%25").replace("&", "%26").replace("+", "%2B")
    iam("CreateUser", UserName="worker")
    iam("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=quoted)
    made = iam("CreateAccessKey", UserName="worker")
    name = made.split("<AccessKeyId>")[1].split("<")[0]
    secret = made.split("<SecretAccessKey>")[1].split("<")[0]
    server.post("kms", "0", {"Content-Type": "text/plain"}, "/moto-api/reset-auth")
    endpoint = f"http://127.0.0.1:{server.port}"
    signed = Tool(run, "signed", endpoint, {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret})
    wrapped = signed("wrap", key, DEK, "tenant=acme")
    row.check("its check of our signature", "ciphertext" in wrapped, wrapped)
    forged = Tool(run, "forged", endpoint, {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret + "x"})
    answer = forged("wrap", key, DEK, "tenant=acme")
    row.check("a signature by another secret is refused", answer.get("error") == "denied", answer)
    stranger = Tool(run, "stranger", endpoint)
    answer = stranger("wrap", key, DEK)
    row.check("an unknown access key is refused", answer.get("error") == "denied", answer)
    server.post("kms", "inf", {"Content-Type": "text/plain"}, "/moto-api/reset-auth")


def moto_plain(run, row, python):
    port = interop.free_port()
    argv = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with run.server(argv, ready=("127.0.0.1", port)):
        server = Server(port)
        key, other = server.make_key(), server.make_key()
        tool = Tool(run, "moto", f"http://127.0.0.1:{port}")
        check_wraps(row, tool, key, other)
        row.skip("contexts that read the same when put together", "moto puts names and values together without lengths")
        row.skip("a disabled key refuses", "moto wraps and unwraps with disabled keys")
        row.skip("GetKeyLastUsage", "moto doesn't have it")
        server.kms("CreateAlias", AliasName="alias/corpus", TargetKeyId=key.split("/")[1])
        row.check("an alias resolves to its key", tool("resolve", "alias/corpus") == {"key": key})
        row.check("wraps by an alias", tool.unwrap(key, tool.wrap("alias/corpus", "a=b"), "a=b") == {"plaintext": DEK})
        moto_describes(row, tool, server, key)
        keys, _ = tool.all_keys()
        row.check("list: every key once", {key, other} <= set(keys) and len(keys) == len(set(keys)), keys)
        row.skip("list: page by page", "moto gives all keys at once")
        kept = [json.loads(line) for line in tool.evidence.read_text(encoding="utf-8").splitlines()]
        crypto = [entry for entry in kept if entry["operation"] in ("Encrypt", "Decrypt")]
        row.check("evidence of wraps has no key material", crypto and all(e["withheld"] and not e["body"] for e in crypto))
        row.check("evidence of descriptions is kept", any(e["operation"] == "DescribeKey" and key in e["body"] for e in kept))
        token = run.folder / "token"
        token.write_text("eyJhbGciOiJub25lIn0.e30.", encoding="utf-8")
        web = Tool(run, "web", f"http://127.0.0.1:{port}",
                   {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/worker"},
                   sts_endpoint=f"http://127.0.0.1:{port}")
        answer = web("wrap", key, DEK)
        row.check("credentials by a web identity, from its STS", "ciphertext" in answer, answer)
        moto_signatures(run, row, server, key)


def moto_tls(run, row, python):
    openssl = run.debian("openssl", "openssl")
    certificate, secret = run.folder / "server.crt", run.folder / "server.key"
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "extendedKeyUsage=serverAuth",
                    "-keyout", secret, "-out", certificate], check=True, capture_output=True)
    port = interop.free_port()
    argv = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port, "-c", certificate, "-k", secret]
    with run.server(argv, ready=("127.0.0.1", port)):
        tool = Tool(run, "tls", f"https://localhost:{port}", authorities_file=str(certificate))
        answer = tool("list")
        row.check("over TLS", answer == {"keys": [], "next": ""}, answer)
        named = Tool(run, "tls-name", f"https://127.0.0.1:{port}", authorities_file=str(certificate))
        answer = named("list")
        row.check("over TLS: another name is refused", answer.get("error") == "denied", answer)
        unknown = Tool(run, "tls-unknown", f"https://localhost:{port}")
        answer = unknown("list")
        row.check("over TLS: an unknown authority is refused", answer.get("error") in ("denied", "not-found"), answer)


def local_kms(run, row, program):
    port = interop.free_port()
    data = run.folder / "local-kms"
    data.mkdir()
    environment = run.environment(PORT=port, KMS_REGION=REGION, KMS_ACCOUNT_ID="111122223333", KMS_DATA_PATH=data,
                                  KMS_SEED_PATH=data / "seed.yaml")
    with run.server([program], ready=("127.0.0.1", port), environment=environment, in_namespace=True):
        server = Server(port)
        key, other = server.make_key(), server.make_key()
        tool = Tool(run, "local-kms", f"http://127.0.0.1:{port}")
        check_wraps(row, tool, key, other)
        wrapped = tool.wrap(key, "ab=c")
        row.skip("contexts that read the same when put together", "local-kms puts names and values together without lengths")
        server.kms("DisableKey", KeyId=key)
        answer = tool("wrap", key, DEK)
        row.check("a disabled key doesn't wrap", refused(answer, "denied", "DisabledException"), answer)
        answer = tool.unwrap(key, wrapped, "ab=c")
        row.check("a disabled key doesn't unwrap", refused(answer, "denied", "DisabledException"), answer)
        row.check("describe: disabled", tool("describe", key)["state"] == "disabled")
        server.kms("EnableKey", KeyId=key)
        row.check("an enabled key unwraps again", tool.unwrap(key, wrapped, "ab=c") == {"plaintext": DEK})
        posture = tool("describe", key)
        check_facts(row, posture, key=key, managed_by="customer", origin="provider", state="enabled")
        row.check("describe: what it doesn't have is not assessed",
                  all("not_assessed" in posture[fact] for fact in ("last_rotated", "versions", "last_used", "policy_findings")), posture)
        server.kms("EnableKeyRotation", KeyId=key)
        posture = tool("describe", key)
        row.check("describe: rotation is on", posture["rotation"].get("automatic") is True, posture["rotation"])
        server.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
        answer = tool("wrap", key, DEK)
        row.check("a key pending deletion doesn't wrap", refused(answer, "denied", "KMSInvalidStateException"), answer)
        posture = tool("describe", key)
        row.check("describe: pending deletion",
                  posture["state"] == "pending-deletion" and isinstance(posture["deletion_scheduled"], str), posture)
        made = {key, other} | {server.make_key() for _ in range(120)}
        keys, pages = tool.all_keys()
        row.check("list: every key once, over pages", made <= set(keys) and len(keys) == len(set(keys)) and pages > 1,
                  f"{len(keys)} keys on {pages} pages")
        row.skip("ListKeyRotations, ListGrants, GetKeyLastUsage", "local-kms doesn't have them")
        row.skip("a wrong signature is refused", "local-kms verifies no signatures")


def main():
    run = interop.Run("aws_kms_servers")
    with run.row("provider", "aws-kms", against="moto", version=MOTO) as row:
        python = run.pip("moto[server]==5.2.5")
        moto_plain(run, row, python)
        moto_tls(run, row, python)
    with run.row("provider", "aws-kms", against="local-kms", version=LOCAL_KMS) as row:
        local_kms(run, row, run.go_install(f"github.com/nsmithuk/local-kms@{LOCAL_KMS}", go="1.21"))
    run.finish()


if __name__ == "__main__":
    main()

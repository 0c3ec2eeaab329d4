#!/usr/bin/env python3
"""A home whose keys go from a file to AWS KMS and back, by the command line alone, against moto: everything opens in
between, nothing is lost while AWS is out of reach, no sealed byte changes, and nothing is left at the end."""
import hashlib
import json
import os
import subprocess

from lib import interop

MOTO = "5.2.5"
REGION = "us-east-1"


class Home:
    """cloister on a home; each call gives its exit status and its JSON, or what it said."""

    def __init__(self, run, name="keys"):
        self.folder = run.folder / name
        self.program = run.build / "apps/cloister"
        self.environment = run.environment(AWS_EC2_METADATA_DISABLED="true", AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
                                           AWS_SECRET_ACCESS_KEY="secret", CLOISTER_HOME=str(self.folder))

    def try_to(self, *arguments):
        done = subprocess.run([self.program, "--json", *map(str, arguments)], env=self.environment, check=False,
                              capture_output=True, text=True, timeout=300)
        return done.returncode, json.loads(done.stdout or done.stderr)

    def __call__(self, *arguments):
        status, answer = self.try_to(*arguments)
        if status != 0:
            raise RuntimeError(f"cloister {arguments}: {answer}")
        return answer

    def opens(self, sealed, plain):
        done = subprocess.run([self.program, "cat", "--force", sealed], env=self.environment, check=False,
                              capture_output=True, timeout=120)
        return done.returncode == 0 and done.stdout == plain


def make_key(python, port):
    script = ("import boto3, sys; print(boto3.client('kms', endpoint_url=sys.argv[1], region_name=sys.argv[2], "
              "aws_access_key_id='a', aws_secret_access_key='b').create_key()['KeyMetadata']['Arn'])")
    done = subprocess.run([python, "-c", script, f"http://127.0.0.1:{port}", REGION], check=True, capture_output=True,
                          text=True, timeout=120)
    return done.stdout.strip()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest(), os.stat(path).st_mtime_ns


def move_there(row, home, port, arn, sealed, plain):
    before = digest(sealed)
    added = home("root", "add", "aws", "aws-kms", f"key={arn}", f"region={REGION}", f"endpoint=http://127.0.0.1:{port}")
    row.check("a KMS key becomes a root", added["root_id"] == f"aws-kms:{arn}", added)
    home("key", "move", "--all", "--to", "aws")
    home("root", "default", "aws")
    row.check("everything opens under it", home("root", "check", "aws", "--open")["opened"] == 6)
    row.check("nothing is left under the file", home("root", "check", "first", "--empty")["empty"])
    home("root", "remove", "first")
    os.unlink(f"{home.environment['CLOISTER_HOME']}/root.key")
    row.check("data opens without the file", home.opens(sealed, plain))
    row.check("no sealed byte was touched", digest(sealed) == before)


def ask(row, home, folder):
    posture = home("kms", "describe", "aws", "--evidence", folder / "evidence")
    row.check("its posture is told", posture["managed_by"] == "customer" and posture["state"] == "enabled", posture)
    row.check("the answers are kept", posture["evidence_kept"] == len(list((folder / "evidence").iterdir())) > 0)
    row.check("its keys are listed", len(home("kms", "list", "aws")["keys"]) == 1)
    row.check("its health is told", home("kms", "health", "aws")["serving"])


def come_back(row, home, sealed, plain):
    home("root", "add", "file", "software")
    home("key", "move", "--all", "--to", "file")
    home("root", "default", "file")
    home("root", "remove", "aws")
    row.check("and back to a file", home("root", "list")["roots"][0]["root"] == "file")
    row.check("data opens as before", home.opens(sealed, plain))
    row.check("the audit is whole", home.try_to("audit", "verify")[0] == 0)


def begin_there(row, run, port, arn):
    """A home that never had another root."""
    home = Home(run, "born-there")
    told = ["key=" + arn, f"region={REGION}", f"endpoint=http://127.0.0.1:{port}"]
    row.check("a home begins with a KMS key as its root", home("init", "--root", "aws-kms", *told)["root"] == "aws-kms")
    home("tenant", "create", "acme")
    home("dataset", "create", "acme/data")
    plain = run.folder / "plain"
    home("seal", plain, run.folder / "born.sealed", "--dataset", "acme/data")
    row.check("and opens what it sealed", home.opens(run.folder / "born.sealed", plain.read_bytes()))
    other = Home(run, "nowhere")
    row.check("a key that isn't there makes no home",
              other.try_to("init", "--root", "aws-kms", "key=alias/none", *told[1:])[0] == 5)
    row.check("nor does one without its region", other.try_to("init", "--root", "aws-kms", told[0])[0] == 2)
    row.check("nothing is left of either", not os.path.exists(f"{other.folder}/config.json"))


def main():
    run = interop.Run("roots")
    with run.row("provider", "aws-kms", against="moto, as a home's root", version=MOTO) as row:
        python = run.pip("moto[server]==5.2.5")
        port = interop.free_port()
        home = Home(run)
        home("init")
        for tenant in ("acme", "globex"):
            home("tenant", "create", tenant)
            home("dataset", "create", f"{tenant}/data")
        plain = os.urandom(200_000)
        (run.folder / "plain").write_bytes(plain)
        sealed = run.folder / "plain.sealed"
        home("seal", run.folder / "plain", sealed, "--dataset", "acme/data")
        argv = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
        with run.server(argv, ready=("127.0.0.1", port)):
            arn = make_key(python, port)
            move_there(row, home, port, arn, sealed, plain)
            ask(row, home, run.folder)
            come_back(row, home, sealed, plain)
            begin_there(row, run, port, arn)
    run.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The posture audit's collectors of clouds against other people's servers of their protocols: moto for AWS."""
import http.client
import json
import os
import subprocess

from lib import interop

MOTO = "5.2.5"
REGION = "us-east-1"
ACCOUNT = "123456789012"


class Facts:
    """What cloud_facts_tool found, by kind and subject."""

    def __init__(self, lines):
        self.all = [json.loads(line) for line in lines.splitlines()]

    def storage(self, subject):
        found = [fact for fact in self.all if fact["kind"] == "storage.encryption" and fact["subject"] == subject]
        return found[0] if len(found) == 1 else {"values": {"found": len(found)}, "not_assessed": f"{len(found)} facts"}

    def manager(self, subject):
        fact = self.storage(subject)
        return fact["values"].get("key_manager", "not assessed: " + str(fact.get("not_assessed")))


def collect(run, cloud, account, addresses, **environment):
    done = subprocess.run([run.build / "tests/cloud_facts_tool", cloud, account, *addresses], env=run.environment(**environment),
                          check=False, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"cloud_facts_tool: {done.stderr}")
    return Facts(done.stdout)


def aws(run, port, addresses, account=ACCOUNT, key="AKIDEXAMPLE", secret="secret"):
    return collect(run, "aws", account, addresses, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_REGION=REGION,
                   AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_EC2_METADATA_DISABLED="true")


def check_buckets(run, row, port):
    names = ("own", "own-alias", "aws-kms-no-key", "aws-alias", "sse-s3", "foreign", "nothing")
    facts = aws(run, port, [f"s3://{name}" for name in names] + ["s3://absent", "s3://mixed/part/", "s3://mixed/other/"])
    expected = {"own": "operator", "own-alias": "operator", "aws-kms-no-key": "platform_default", "aws-alias": "platform_default",
                "sse-s3": "platform_default", "foreign": "foreign"}
    for name, manager in expected.items():
        found = facts.manager(f"s3://{name}")
        row.check(f"s3: the default of {name} is {manager}", found == manager, found)
    row.check("s3: objects with hostile names", facts.manager("s3://own") == "operator", facts.manager("s3://own"))
    part, other = (facts.storage(f"s3://mixed/{name}/") for name in ("part", "other"))
    row.check("s3: pages of objects, sampled with the bound",
              [part["values"].get(name) for name in ("objects", "objects_sampled", "sample_bound_permille")] == [1500, 299, 10], part)
    row.check("s3: objects under AWS's key below a default that is the operator's",
              other["values"].get("key_manager") == "platform_default" and "default: sse-kms, operator" in other["values"]["notes"], other)
    absent = [fact for fact in facts.all if fact["subject"] == "s3://absent"]
    row.check("s3: a bucket that isn't there is not assessed", absent and all("not_assessed" in fact for fact in absent), absent)
    row.check("s3: a bucket that nobody declared is seen", facts.manager("s3://undeclared") == "platform_default",
              facts.manager("s3://undeclared"))
    versioned = aws(run, port, ["s3://versioned"])
    whole = versioned.storage("s3://versioned")
    row.check("s3: what an object was before it was written over is sampled too", whole["values"].get("key_manager") == "platform_default" and
              whole["values"].get("objects") == 3, whole)
    older = [fact["subject"] for fact in versioned.all if fact["kind"] == "storage.encryption" and "a b?versionId=" in fact["subject"]]
    row.check("s3: the older version is named", len(older) == 1, older)
    keys = {fact["subject"]: fact["values"] for fact in facts.all if fact["kind"] == "key.posture"}
    row.check("kms: the operator's key is described", any(key.get("manager") == "operator" and key.get("state") == "enabled"
                                                            for key in keys.values()), keys)


def check_services(run, row, port, names):
    # moto names no key of a snapshot.
    volumes = {"own-volume": "operator", "own-snapshot": "unknown", "plain-volume": "none"}
    jobs = {"own": "operator", "output-default": "platform_default"}
    facts = aws(run, port, [f"ebs:{names[name]}" for name in volumes] + ["ebs:vol-00000000000000000"] +
                [f"sagemaker:training-job/{name}" for name in jobs] + ["rds:own", "rds:plain", "rds:absent"])
    for name, manager in volumes.items():
        found = facts.manager(f"ebs:{names[name]}")
        row.check(f"ebs: {name} is {manager}", found == manager, found)
    row.skip("ebs: a volume under AWS's own key is platform_default", "moto says of that key that a customer manages it")
    for name, manager in jobs.items():
        found = facts.manager(f"sagemaker:training-job/{name}")
        row.check(f"sagemaker: job {name} is {manager}", found == manager, found)
    row.check("rds: own is operator", facts.manager("rds:own") == "operator", facts.manager("rds:own"))
    row.check("rds: plain is none", facts.manager("rds:plain") == "none", facts.manager("rds:plain"))
    for address in ("ebs:vol-00000000000000000", "rds:absent"):
        row.check(f"{address}, which isn't there, is not assessed", "not_assessed" in facts.storage(address), facts.storage(address))


def check_discovery(run, row, port, names):
    facts = aws(run, port, [f"ebs:{names['own-volume']}", "rds:own"])
    seen = {fact["subject"] for fact in facts.all if fact["kind"] == "inventory.seen"}
    for what, address in (("volume", f"ebs:{names['plain-volume']}"), ("snapshot", f"ebs:{names['own-snapshot']}"), ("database", "rds:plain")):
        row.check(f"discovery: a {what} that nobody declared is seen", address in seen, sorted(seen))
    row.check("discovery: a database that nobody declared is judged", facts.manager("rds:plain") == "none", facts.manager("rds:plain"))
    row.check("discovery: what is declared isn't found again", not seen & {f"ebs:{names['own-volume']}", "rds:own"}, sorted(seen))
    sources = [fact for fact in facts.all if fact["kind"] == "inventory.source"]
    row.check("discovery: every list was read", len(sources) == 5 and not any("not_assessed" in fact for fact in sources), sources)


def check_signatures(run, row, port, user):
    """moto verifies signatures, by botocore, once it is told to."""
    def reset_auth(count):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/moto-api/reset-auth", count)
        connection.getresponse().read()
        connection.close()

    reset_auth("0")
    facts = aws(run, port, ["s3://own"], key=user["id"], secret=user["secret"])
    row.check("its check of our signatures to S3", facts.manager("s3://own") == "operator", facts.all)
    facts = aws(run, port, ["s3://own"], key=user["id"], secret=user["secret"] + "x")
    refused = [fact for fact in facts.all if fact["kind"] == "storage.encryption"]
    row.check("a wrong secret: nothing is assessed", refused and all("not_assessed" in fact for fact in refused), refused)
    reset_auth("inf")


def check_audit(run, row, port, volume):
    """The whole audit, which has to say of each place what its key is worth: what other tools pass is no pass."""
    truth = {"s3://own": "pass", "s3://own-alias": "pass", "s3://aws-kms-no-key": "fail", "s3://aws-alias": "fail", "s3://sse-s3": "fail", "s3://foreign": "fail",
             "s3://absent": "not-assessed", "sagemaker:training-job/own": "pass", "sagemaker:training-job/output-default": "fail",
             f"ebs:{volume}": "pass"}
    estate = run.folder / "estate.toml"
    text = f'version = 1\nid = "clouds"\nown_account = ["{ACCOUNT}"]\n'
    names = {f"place-{number}": address for number, address in enumerate(truth)}
    for name, address in names.items():
        text += (f'[[location]]\nname = "{name}"\naddress = "{address}"\nkind = "training-data"\nowner = "data"\nenvironment = "production"\n'
                 'tenant = "acme"\nsensitivity = "internal"\n')
    estate.write_text(text, encoding="utf-8")
    report = run.folder / "report.json"
    done = subprocess.run([os.environ["CLOISTER"], "posture", "audit", "--estate", estate, "--aws", "--no-store", "--report", report],
                          env=run.environment(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_REGION=REGION, AWS_ACCESS_KEY_ID="a",
                                              AWS_SECRET_ACCESS_KEY="b", AWS_EC2_METADATA_DISABLED="true"),
                          check=False, capture_output=True, text=True, timeout=120)
    if not row.check("audit: ends", report.exists(), done.stderr):
        return
    said = {}
    for control in json.loads(report.read_text())["controls"]:
        if control["control"] == "KEY-02":
            said = {names.get(verdict["subject"]): verdict["status"] for verdict in control["subjects"] if verdict["subject_kind"] == "location"}
    for address, verdict in truth.items():
        named = address.replace(volume, "a volume")  # whose id is another each time
        row.check(f"audit: KEY-02 of {named} is {verdict}", said.get(address) == verdict, said)


def moto(run, row):
    python = run.pip(f"moto[server]=={MOTO}")
    port = interop.free_port()
    with run.server([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port], ready=("127.0.0.1", port)):
        made = subprocess.run([python, interop.SOURCE / "tests/interop/moto_estate.py", f"http://127.0.0.1:{port}"],
                              env=run.environment(AWS_EC2_METADATA_DISABLED="true"), check=False, capture_output=True, text=True, timeout=120)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        names = json.loads(made.stdout)
        check_buckets(run, row, port)
        check_services(run, row, port, names)
        check_discovery(run, row, port, names)
        check_audit(run, row, port, names["own-volume"])
        nobodys = aws(run, port, ["s3://own"], account="")
        row.check("no account is said to be the operator's: no key is", nobodys.manager("s3://own") == "unknown",
                  nobodys.manager("s3://own"))
        check_signatures(run, row, port, names["user"])


def main():
    run = interop.Run("posture_clouds")
    with run.row("provider", "posture: AWS", against="moto, audited", version=MOTO) as row:
        moto(run, row)
    run.finish()


main()

#!/usr/bin/env python3
"""Prowler and Checkov beside our collector of AWS, over the same state: is what is kept there under a key that the operator
manages? Prowler and ours look at a moto server, Checkov at Terraform that says the same. Every verdict that differs
from the state's truth must be known.

    posture_peers_test.py                Checkov: what the tests run
    posture_peers_test.py --all [--table docs/posture-comparison.md]      Prowler too, in a minute or three
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from lib import absent, install, processes

MOTO = "5.2.5"
PROWLER = "5.46.0"
CHECKOV = "3.3.30"
REGION, ACCOUNT = "us-east-1", "123456789012"
BUILD = pathlib.Path(os.environ["BUILD_DIR"])
HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ("cloister", "prowler", "checkov")
PROWLER_CHECKS = ("s3_bucket_kms_encryption", "sagemaker_training_jobs_volume_and_output_encryption_enabled", "ec2_ebs_volume_encryption",
                  "rds_instance_storage_encrypted")
CHECKOV_CHECKS = {"aws_s3_bucket": "CKV_AWS_145", "aws_ebs_volume": "CKV_AWS_189", "aws_db_instance": "CKV_AWS_16",
                  "aws_sagemaker_endpoint_configuration": "CKV_AWS_98"}

# name: (what it is, what holds, whether the operator's key protects it)
STATES = {
    "s3-own": ("S3 bucket", "aws:kms with the operator's key", True),
    "s3-own-dsse": ("S3 bucket", "aws:kms:dsse with the operator's key", True),
    "s3-no-key": ("S3 bucket", "aws:kms, no key named: AWS's", False),
    "s3-aws-alias": ("S3 bucket", "aws:kms with alias/aws/s3: AWS's", False),
    "s3-sse": ("S3 bucket", "AES256: AWS's", False),
    "s3-foreign": ("S3 bucket", "aws:kms with another account's key", False),
    "s3-mixed": ("S3 bucket", "the operator's key by default, an object under AWS's", False),
    "ebs-own": ("EBS volume", "the operator's key", True),
    "ebs-plain": ("EBS volume", "not encrypted", False),
    "rds-own": ("RDS instance", "the operator's key", True),
    "rds-aws-alias": ("RDS instance", "alias/aws/rds: AWS's", False),
    "rds-plain": ("RDS instance", "not encrypted", False),
    "endpoint-own": ("SageMaker endpoint's configuration", "the operator's key", True),
    "endpoint-aws-alias": ("SageMaker endpoint's configuration", "alias/aws/sagemaker: AWS's", False),
    "job-own": ("SageMaker training job", "the operator's key for volume and output", True),
    "job-output": ("SageMaker training job", "the operator's key for the volume, none for the output", False),
}

# (tool, state): why its verdict isn't the truth.
EXPLAINED = {
    ("prowler", "s3-no-key"): "any aws:kms passes, whoever's key",
    ("prowler", "s3-aws-alias"): "any aws:kms passes, whoever's key",
    ("prowler", "s3-foreign"): "any aws:kms passes, whoever's key",
    ("prowler", "s3-mixed"): "objects aren't looked at",
    ("prowler", "rds-aws-alias"): "encryption is asked for, not whose key",
    ("prowler", "job-output"): "the output's key isn't read",
    ("checkov", "s3-no-key"): "any aws:kms passes, whoever's key",
    ("checkov", "s3-aws-alias"): "any aws:kms passes, whoever's key",
    ("checkov", "s3-foreign"): "any aws:kms passes, whoever's key",
    ("checkov", "s3-mixed"): "objects aren't looked at",
    ("checkov", "s3-own-dsse"): "aws:kms:dsse isn't known to it",
    ("checkov", "rds-aws-alias"): "encryption is asked for, not whose key",
    ("checkov", "endpoint-aws-alias"): "any key that is named passes",
}

SETUP = """
import json, sys
import boto3
client = lambda s: boto3.client(s, endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
own = client("kms").create_key()["KeyMetadata"]["Arn"]
foreign = own.replace("123456789012", "999999999999")
s3 = client("s3")
for name, algorithm, key in (("s3-own", "aws:kms", own), ("s3-own-dsse", "aws:kms:dsse", own), ("s3-no-key", "aws:kms", None), ("s3-sse", "AES256", None),
                             ("s3-aws-alias", "aws:kms", "alias/aws/s3"), ("s3-foreign", "aws:kms", foreign), ("s3-mixed", "aws:kms", own)):
    s3.create_bucket(Bucket=name)
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]})
s3.put_object(Bucket="s3-mixed", Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=own)
s3.put_object(Bucket="s3-mixed", Key="b", Body=b"x", ServerSideEncryption="AES256")
volume = lambda **more: client("ec2").create_volume(AvailabilityZone="us-east-1a", Size=1, **more)["VolumeId"]
ids = {"ebs-own": volume(Encrypted=True, KmsKeyId=own), "ebs-plain": volume()}
for name, more in (("rds-own", {"StorageEncrypted": True, "KmsKeyId": own}), ("rds-aws-alias", {"StorageEncrypted": True, "KmsKeyId": "alias/aws/rds"}),
                   ("rds-plain", {"StorageEncrypted": False})):
    client("rds").create_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
                                     MasterUsername="u", MasterUserPassword="p" * 12, **more)
sagemaker = client("sagemaker")
role = "arn:aws:iam::123456789012:role/r"
sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": "x"})
for name, key in (("endpoint-own", own), ("endpoint-aws-alias", "alias/aws/sagemaker")):
    sagemaker.create_endpoint_config(EndpointConfigName=name, KmsKeyId=key, ProductionVariants=[
        {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}])
for name, output in (("job-own", {"KmsKeyId": own}), ("job-output", {})):
    sagemaker.create_training_job(
        TrainingJobName=name, AlgorithmSpecification={"TrainingImage": "x", "TrainingInputMode": "File"}, RoleArn=role,
        OutputDataConfig={"S3OutputPath": "s3://s3-own/", **output}, StoppingCondition={"MaxRuntimeInSeconds": 60},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1, "VolumeKmsKeyId": own})
print(json.dumps(ids))
"""


def terraform():
    """The states that Terraform can say. Quotes are its own: a reference has none."""
    own = "aws_kms_key.own.arn"
    foreign = '"arn:aws:kms:us-east-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab"'
    text = 'resource "aws_kms_key" "own" {}\n'
    for name, algorithm, key in (("s3-own", "aws:kms", own), ("s3-own-dsse", "aws:kms:dsse", own), ("s3-no-key", "aws:kms", None),
                                 ("s3-sse", "AES256", None), ("s3-aws-alias", "aws:kms", '"alias/aws/s3"'), ("s3-foreign", "aws:kms", foreign),
                                 ("s3-mixed", "aws:kms", own)):
        named = f"kms_master_key_id = {key}" if key else ""
        text += f'''resource "aws_s3_bucket" "{name}" {{ bucket = "{name}" }}
resource "aws_s3_bucket_server_side_encryption_configuration" "{name}" {{
  bucket = aws_s3_bucket.{name}.id
  rule {{
    apply_server_side_encryption_by_default {{
      sse_algorithm = "{algorithm}"
      {named}
    }}
  }}
}}
'''
    for name, body in (("ebs-own", f"encrypted = true\n  kms_key_id = {own}"), ("ebs-plain", "encrypted = false")):
        text += f'resource "aws_ebs_volume" "{name}" {{\n  availability_zone = "us-east-1a"\n  size = 1\n  {body}\n}}\n'
    for name, body in (("rds-own", f"storage_encrypted = true\n  kms_key_id = {own}"),
                       ("rds-aws-alias", 'storage_encrypted = true\n  kms_key_id = "alias/aws/rds"'), ("rds-plain", "storage_encrypted = false")):
        text += f'resource "aws_db_instance" "{name}" {{\n  instance_class = "db.t3.micro"\n  engine = "postgres"\n  {body}\n}}\n'
    for name, key in (("endpoint-own", own), ("endpoint-aws-alias", '"alias/aws/sagemaker"')):
        text += f'''resource "aws_sagemaker_endpoint_configuration" "{name}" {{
  kms_key_arn = {key}
  production_variants {{
    model_name = "m"
    variant_name = "v"
  }}
}}
'''
    return text


def run(argv, folder, patience=300, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run([str(part) for part in argv], env={**kept, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
                          cwd=folder, check=False, capture_output=True, text=True, timeout=patience)
    if not done.stdout and done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stderr[-3000:]}")
    return done.stdout


def at_moto(port):
    return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}


def cloister(folder, port, ids):
    addresses = {}
    for name in STATES:
        kind = name.split("-", maxsplit=1)[0]
        addresses[name] = {"s3": f"s3://{name}", "ebs": f"ebs:{ids.get(name)}", "rds": f"rds:{name}", "endpoint": f"sagemaker:endpoint-config/{name}",
                           "job": f"sagemaker:training-job/{name}"}[kind]
    lines = run([BUILD / "tests/cloud_facts_tool", "aws", ACCOUNT, *addresses.values()], folder, **at_moto(port)).splitlines()
    facts = {fact["subject"]: fact["values"] for fact in map(json.loads, lines) if fact["kind"] == "storage.encryption"}
    good = lambda values: values.get("encrypted") == "yes" and values.get("key_manager") == "operator"
    return {name: "pass" if good(facts[address]) else "fail" for name, address in addresses.items()}


def prowler(folder, port, ids, python):
    out = folder / "prowler"
    run([python.parent / "prowler", "aws", "-c", *PROWLER_CHECKS, "--region", REGION, "-M", "json-ocsf", "-o", out, "-F", "r", "--no-banner"],
        folder, **at_moto(port))
    names = {ids[name]: name for name in ids}
    verdicts = {}
    for finding in json.loads((out / "r.ocsf.json").read_text()):
        resource = finding["resources"][0]["name"]
        verdicts[names.get(resource, resource)] = finding["status_code"].lower()
    return {name: verdict for name, verdict in verdicts.items() if name in STATES}


def checkov(folder, python):
    (folder / "terraform").mkdir()
    (folder / "terraform/main.tf").write_text(terraform())
    said = run([python.parent / "checkov", "-d", folder / "terraform", "--framework", "terraform", "--check", ",".join(CHECKOV_CHECKS.values()), "-o", "json",
                "--compact", "--skip-download"], folder)
    results = json.loads(said)["results"]
    found = {(check["resource"].split(".")[0], check["check_id"], check["resource"].split(".")[1]): verdict
             for word, verdict in (("passed_checks", "pass"), ("failed_checks", "fail")) for check in results[word]}
    return {name: verdict for (kind, check, name), verdict in found.items() if CHECKOV_CHECKS.get(kind) == check and name in STATES}


def differences(verdicts):
    found = []
    for name, (_, _, truth) in STATES.items():
        for tool in TOOLS:
            said = verdicts[tool].get(name)
            if said is not None and (said == "pass") != truth:
                found.append((tool, name, said))
    return found


def table(verdicts):
    lines = ["# Beside other auditors of clouds", "",
             f"The same state, asked the same question: does a key that the operator manages protect what is kept? Prowler {PROWLER} and our collector looked at "
             f"a moto server ({MOTO}), Checkov {CHECKOV} at Terraform that says the same; a dash is where a tool can't be asked. "
             "Made by `tests/interop/posture_peers_test.py --all --table docs/posture-comparison.md`.", "",
             "What the others' checks ask is often less: that there is encryption, or that it is by KMS. That is no fault where their rule says so; it is one "
             "where \"pass\" is read as an answer to this question.", "",
             "| what | state | should | cloister | Prowler | Checkov |", "|---|---|---|---|---|---|"]
    for name, (what, holds, truth) in STATES.items():
        cells = []
        for tool in TOOLS:
            said = verdicts[tool].get(name, "–")
            cells.append(said if said == "–" or (said == "pass") == truth else f"**{said}**")
        lines.append(f"| {what} | {holds} | {'pass' if truth else 'fail'} | {' | '.join(cells)} |")
    lines += ["", "## Every verdict that isn't what it should be", "", "| tool | what | state | it says | why |", "|---|---|---|---|---|"]
    for tool, name, said in differences(verdicts):
        lines.append(f"| {tool} | {STATES[name][0]} | {STATES[name][1]} | {said} | {EXPLAINED.get((tool, name), 'not explained')} |")
    return "\n".join(lines) + "\n"


def main():
    everything = "--all" in sys.argv
    try:
        pythons = {"moto": install.pip(f"moto[server]=={MOTO}"), "checkov": install.pip(f"checkov=={CHECKOV}")}
        if everything:
            pythons["prowler"] = install.pip("prowler==" + PROWLER)  # large: not what prefetch should install
    except absent.Absent as reason:
        print(f"skipped: {reason.reason}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="cloister-posture-peers-") as name:
        folder = pathlib.Path(name)
        port = processes.free_port()
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder)}
        argv = [str(pythons["moto"]), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with processes.Server(folder, argv, ("127.0.0.1", port), environment, False, 60, None):
            ids = json.loads(run([pythons["moto"], "-c", SETUP, f"http://127.0.0.1:{port}"], folder, AWS_EC2_METADATA_DISABLED="true"))
            verdicts = {"cloister": cloister(folder, port, ids), "prowler": {}}
            if everything:
                verdicts["prowler"] = prowler(folder, port, ids, pathlib.Path(pythons["prowler"]))
        verdicts["checkov"] = checkov(folder, pathlib.Path(pythons["checkov"]))
    if "--table" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--table") + 1]).write_text(table(verdicts))
    unexplained = [difference for difference in differences(verdicts) if difference[:2] not in EXPLAINED]
    for tool, state, said in unexplained:
        print(f"FAILED: {tool} says {said} of {state}")
    agreed = sum(len(verdicts[tool]) for tool in TOOLS) - len(differences(verdicts))
    for tool in TOOLS:
        print(f"{tool}: {len(verdicts[tool])} verdicts, {sum(1 for difference in differences(verdicts) if difference[0] == tool)} wrong")
    print(f"{agreed} passed, {len(unexplained)} failed")
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()

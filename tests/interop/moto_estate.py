"""Makes the estate that posture_clouds_test.py looks at in a moto server, by boto3, and prints the names of its keys.
Run by the Python that has moto: moto_estate.py http://127.0.0.1:PORT"""
import json
import sys

import boto3

REGION = "us-east-1"
NAMES = ("plain", "a b+c", "ä/ö=%25", "deep/er/name~.txt", "quote\"<&>'")


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name=REGION, aws_access_key_id="AKIDADMIN",
                        aws_secret_access_key="secret")


def make_bucket(s3, name, algorithm=None, key=None):
    s3.create_bucket(Bucket=name)
    if algorithm is None:
        return
    default = {"SSEAlgorithm": algorithm}
    if key:
        default["KMSMasterKeyID"] = key
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]})


def make_buckets(own, foreign):
    s3 = client("s3")
    make_bucket(s3, "own", "aws:kms", own)
    make_bucket(s3, "own-alias", "aws:kms", "alias/corpus")
    make_bucket(s3, "aws-kms-no-key", "aws:kms")
    make_bucket(s3, "aws-alias", "aws:kms", "alias/aws/s3")
    make_bucket(s3, "sse-s3", "AES256")
    make_bucket(s3, "foreign", "aws:kms", foreign)
    make_bucket(s3, "nothing")
    make_bucket(s3, "mixed", "aws:kms", own)
    make_bucket(s3, "undeclared", "AES256")
    make_bucket(s3, "versioned", "aws:kms", own)
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versioned", Key="a b", Body=b"x", ServerSideEncryption="AES256")
    s3.put_object(Bucket="versioned", Key="a b", Body=b"y", ServerSideEncryption="aws:kms", SSEKMSKeyId=own)
    s3.put_object(Bucket="versioned", Key="gone", Body=b"z", ServerSideEncryption="aws:kms", SSEKMSKeyId=own)
    s3.delete_object(Bucket="versioned", Key="gone")
    for name in NAMES:
        s3.put_object(Bucket="own", Key=name, Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=own)
    for number in range(1500):
        s3.put_object(Bucket="mixed", Key=f"part/{number}", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=own)
    for number in range(300):
        s3.put_object(Bucket="mixed", Key=f"other/{number}", Body=b"x", ServerSideEncryption="AES256")


def make_volumes(own):
    ec2 = client("ec2")
    make = lambda **more: ec2.create_volume(AvailabilityZone=REGION + "a", Size=1, **more)["VolumeId"]
    own_volume = make(Encrypted=True, KmsKeyId=own)
    snapshot = ec2.create_snapshot(VolumeId=own_volume)["SnapshotId"]
    return {"own-volume": own_volume, "own-snapshot": snapshot, "plain-volume": make()}


def make_databases(own):
    rds = client("rds")
    more = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20, "MasterUsername": "u", "MasterUserPassword": "p" * 12}
    rds.create_db_instance(DBInstanceIdentifier="own", StorageEncrypted=True, KmsKeyId=own, **more)
    rds.create_db_instance(DBInstanceIdentifier="plain", StorageEncrypted=False, **more)


def make_training(own):
    sagemaker = client("sagemaker")
    algorithm = {"TrainingImage": "x", "TrainingInputMode": "File"}
    for name, output in (("own", own), ("output-default", None)):
        output_config = {"S3OutputPath": "s3://own/"}
        if output:
            output_config["KmsKeyId"] = output
        sagemaker.create_training_job(
            TrainingJobName=name, AlgorithmSpecification=algorithm, RoleArn="arn:aws:iam::123456789012:role/r", OutputDataConfig=output_config,
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1, "VolumeKmsKeyId": own},
            StoppingCondition={"MaxRuntimeInSeconds": 60}, EnableInterContainerTrafficEncryption=True)


def make_user():
    """Whose signatures are checked."""
    iam = client("iam")
    iam.create_user(UserName="auditor")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]}
    iam.put_user_policy(UserName="auditor", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName="auditor")["AccessKey"]
    return {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


def main():
    kms = client("kms")
    own = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/corpus", TargetKeyId=own.split("/")[1])
    foreign = own.replace("123456789012", "999999999999")
    make_buckets(own, foreign)
    names = {"own": own, "foreign": foreign, **make_volumes(own), "user": make_user()}
    make_databases(own)
    make_training(own)
    print(json.dumps(names))


main()

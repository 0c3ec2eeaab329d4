"""The AWS Encryption SDK with its keys in the AWS dialect: an envelope library that knows nothing of us."""
import json
import sys
import traceback

import aws_encryption_sdk
import boto3
from aws_encryption_sdk.exceptions import DecryptKeyError
from aws_encryption_sdk.identifiers import CommitmentPolicy

TOLD = json.load(open(sys.argv[1], encoding="utf-8"))
WHO = TOLD["credentials"]["app"]
KMS = boto3.client("kms", endpoint_url=TOLD["endpoint"], region_name=TOLD["region"], verify=TOLD["ca"],
                   aws_access_key_id=WHO["id"], aws_secret_access_key=WHO["secret"])
CLIENT = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


def provider(arn):
    return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[arn], botocore_session=session())


def session():
    """A session whose KMS clients are pointed here."""
    import botocore.session
    made = botocore.session.Session()
    made.set_credentials(WHO["id"], WHO["secret"])
    original = made.create_client

    def create_client(service, *arguments, **options):
        options.update(endpoint_url=TOLD["endpoint"], verify=TOLD["ca"], region_name=TOLD["region"])
        return original(service, *arguments, **options)
    made.create_client = create_client
    return made


def check(name, function):
    try:
        function()
        print(json.dumps({"name": name, "good": True, "detail": ""}), flush=True)
    except Exception:
        print(json.dumps({"name": name, "good": False, "detail": traceback.format_exc()}), flush=True)


def round_trip():
    arn = KMS.create_key()["KeyMetadata"]["Arn"]
    text = bytes(range(256)) * 512
    sealed, _ = CLIENT.encrypt(source=text, key_provider=provider(arn), encryption_context={"purpose": "test"})
    opened, header = CLIENT.decrypt(source=sealed, key_provider=provider(arn))
    assert opened == text and header.encryption_context["purpose"] == "test"


def another_key():
    first, second = (KMS.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    sealed, _ = CLIENT.encrypt(source=b"x", key_provider=provider(first))
    try:
        CLIENT.decrypt(source=sealed, key_provider=provider(second))
    except Exception:
        return
    raise AssertionError("opened by another key")


def disabled_key():
    arn = KMS.create_key()["KeyMetadata"]["Arn"]
    sealed, _ = CLIENT.encrypt(source=b"x", key_provider=provider(arn))
    KMS.disable_key(KeyId=arn)
    try:
        CLIENT.decrypt(source=sealed, key_provider=provider(arn))
    except DecryptKeyError:
        return
    raise AssertionError("opened by a disabled key")


check("seals and opens", round_trip)
check("another key opens nothing", another_key)
check("a disabled key opens nothing", disabled_key)

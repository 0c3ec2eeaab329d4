"""boto3 against the AWS dialect, as told by a file of JSON: every operation, and every refusal as boto3 understands it.
One line of JSON a check."""
import base64
import datetime
import hashlib
import http.client
import json
import ssl
import sys
import traceback

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

TOLD = json.load(open(sys.argv[1], encoding="utf-8"))


def client(who="app", region=None, retries=1, **more):
    given = dict(TOLD["credentials"][who], **more)
    return boto3.client("kms", endpoint_url=TOLD["endpoint"], region_name=region or TOLD["region"], verify=TOLD["ca"],
                        aws_access_key_id=given["id"], aws_secret_access_key=given["secret"],
                        aws_session_token=given.get("token"),
                        config=botocore.config.Config(retries={"max_attempts": retries, "mode": "standard"}))


# Keys are made in quick succession here: the client signs anew, as it would for any service that is busy.
KMS = client(retries=8)
CLOCK = botocore.auth.get_current_datetime


def check(name):
    def run(function):
        try:
            function()
            print(json.dumps({"name": name, "good": True, "detail": ""}), flush=True)
        except Exception:
            print(json.dumps({"name": name, "good": False, "detail": traceback.format_exc()}), flush=True)
    return run


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        got = error.response["Error"]["Code"]
        assert got == code, f"{got} instead of {code}: {error}"
        assert error.response["ResponseMetadata"]["RequestId"], "no request id"
        assert error.response["Error"]["Message"], "no message"
        return error
    raise AssertionError(f"not refused as {code}")


def made(**arguments):
    return KMS.create_key(**arguments)["KeyMetadata"]


def send(operation, body, skew=0, change=None, times=1):
    """Signs by botocore's own code, and sends the very same bytes so many times: [(status, type)]."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: now.replace(tzinfo=None)
    request = botocore.awsrequest.AWSRequest("POST", TOLD["endpoint"] + "/", data=body, headers={
        "content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{operation}"})
    who = TOLD["credentials"]["app"]
    credentials = botocore.credentials.Credentials(who["id"], who["secret"])
    botocore.auth.SigV4Auth(credentials, "kms", TOLD["region"]).add_auth(request)
    botocore.auth.get_current_datetime = CLOCK
    headers = dict(request.headers.items())
    if change:
        body = change(headers, body)
    answers = []
    for _ in range(times):
        connection = http.client.HTTPSConnection(TOLD["host"], TOLD["port"],
                                                 context=ssl.create_default_context(cafile=TOLD["ca"]))
        connection.request("POST", "/", body=body, headers=headers)
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read() or b"{}").get("__type", "")))
        connection.close()
    return answers


@check("encrypt and decrypt")
def _():
    key = made(Description="main")
    context = {"team": "ml", "run": "7", "ä": "ö"}
    sealed = KMS.encrypt(KeyId=key["KeyId"], Plaintext=b"attack at dawn", EncryptionContext=context)
    assert sealed["KeyId"] == key["Arn"]
    opened = KMS.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == b"attack at dawn" and opened["KeyId"] == key["Arn"]
    by_arn = KMS.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context, KeyId=key["Arn"])
    assert by_arn["Plaintext"] == b"attack at dawn"


@check("data keys")
def _():
    key = made()["KeyId"]
    whole = KMS.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})
    assert len(whole["Plaintext"]) == 32
    assert KMS.decrypt(CiphertextBlob=whole["CiphertextBlob"],
                       EncryptionContext={"a": "b"})["Plaintext"] == whole["Plaintext"]
    assert len(KMS.generate_data_key(KeyId=key, NumberOfBytes=1024)["Plaintext"]) == 1024
    kept = KMS.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_128")
    assert "Plaintext" not in kept and len(KMS.decrypt(CiphertextBlob=kept["CiphertextBlob"])["Plaintext"]) == 16


@check("re-encrypt")
def _():
    first, second = made()["KeyId"], made()["KeyId"]
    sealed = KMS.encrypt(KeyId=first, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = KMS.re_encrypt(CiphertextBlob=sealed, SourceEncryptionContext={"a": "1"}, DestinationKeyId=second,
                           DestinationEncryptionContext={"b": "2"})
    assert moved["SourceKeyId"].endswith(first) and moved["KeyId"].endswith(second)
    assert KMS.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})["Plaintext"] == b"x"


@check("random bytes")
def _():
    assert len(KMS.generate_random(NumberOfBytes=33)["Plaintext"]) == 33


@check("key states")
def _():
    key = made()["KeyId"]
    sealed = KMS.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    KMS.disable_key(KeyId=key)
    assert KMS.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("DisabledException", KMS.encrypt, KeyId=key, Plaintext=b"x")
    refused("DisabledException", KMS.decrypt, CiphertextBlob=sealed)
    KMS.enable_key(KeyId=key)
    assert KMS.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    scheduled = KMS.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert scheduled["KeyState"] == "PendingDeletion" and scheduled["DeletionDate"]
    refused("KMSInvalidStateException", KMS.encrypt, KeyId=key, Plaintext=b"x")
    refused("KMSInvalidStateException", KMS.enable_key, KeyId=key)
    KMS.cancel_key_deletion(KeyId=key)
    KMS.enable_key(KeyId=key)
    assert KMS.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"


@check("lists and pages")
def _():
    keys = [made()["KeyId"] for _ in range(5)]
    pages = list(KMS.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    listed = [key["KeyId"] for page in pages for key in page["Keys"]]
    assert len(pages) > 2 and len(listed) == len(set(listed)) and set(keys) <= set(listed)


@check("aliases")
def _():
    first, second = made()["KeyId"], made()["KeyId"]
    KMS.create_alias(AliasName="alias/app/main", TargetKeyId=first)
    assert KMS.describe_key(KeyId="alias/app/main")["KeyMetadata"]["KeyId"] == first
    refused("AlreadyExistsException", KMS.create_alias, AliasName="alias/app/main", TargetKeyId=second)
    KMS.update_alias(AliasName="alias/app/main", TargetKeyId=second)
    sealed = KMS.encrypt(KeyId="alias/app/main", Plaintext=b"x")
    assert sealed["KeyId"].endswith(second)
    listed = [alias["AliasName"] for page in KMS.get_paginator("list_aliases").paginate(KeyId=second)
              for alias in page["Aliases"]]
    assert "alias/app/main" in listed
    KMS.delete_alias(AliasName="alias/app/main")
    refused("NotFoundException", KMS.describe_key, KeyId="alias/app/main")
    assert KMS.describe_key(KeyId=f"alias/{TOLD['dataset']}")["KeyMetadata"]["KeyState"] == "Enabled"


@check("rotation")
def _():
    key = made()["KeyId"]
    old = KMS.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    KMS.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = KMS.get_key_rotation_status(KeyId=key)
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 90 and status["NextRotationDate"]
    KMS.rotate_key_on_demand(KeyId=key)
    rotations = KMS.list_key_rotations(KeyId=key)["Rotations"]
    assert [rotation["RotationType"] for rotation in rotations] == ["ON_DEMAND"]
    KMS.disable_key_rotation(KeyId=key)
    assert not KMS.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert KMS.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"


@check("tags")
def _():
    key = made(Tags=[{"TagKey": "team", "TagValue": "ml"}])["KeyId"]
    KMS.tag_resource(KeyId=key, Tags=[{"TagKey": "cost", "TagValue": "7"}])
    KMS.untag_resource(KeyId=key, TagKeys=["team"])
    assert KMS.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "cost", "TagValue": "7"}]


@check("MACs")
def _():
    key = made(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    mac = KMS.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert KMS.verify_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]
    refused("KMSInvalidMacException", KMS.verify_mac, KeyId=key, Message=b"n", MacAlgorithm="HMAC_SHA_256", Mac=mac)


@check("signatures verify elsewhere")
def _():
    key = made(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    public = serialization.load_der_public_key(KMS.get_public_key(KeyId=key)["PublicKey"])
    signature = KMS.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    public.verify(signature, b"m", ec.ECDSA(hashes.SHA256()))
    digest = hashlib.sha256(b"m").digest()
    signature = KMS.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    public.verify(signature, b"m", ec.ECDSA(hashes.SHA256()))
    rsa = made(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyId"]
    public = serialization.load_der_public_key(KMS.get_public_key(KeyId=rsa)["PublicKey"])
    signature = KMS.sign(KeyId=rsa, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    public.verify(signature, b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert KMS.verify(KeyId=rsa, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256", Signature=signature)["SignatureValid"]
    refused("KMSInvalidSignatureException", KMS.verify, KeyId=rsa, Message=b"n", SigningAlgorithm="RSASSA_PSS_SHA_256",
            Signature=signature)
    edwards = made(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyId"]
    public = serialization.load_der_public_key(KMS.get_public_key(KeyId=edwards)["PublicKey"])
    public.verify(KMS.sign(KeyId=edwards, Message=b"m", SigningAlgorithm="ED25519_SHA_512")["Signature"], b"m")


@check("key pairs open elsewhere")
def _():
    key = made()["KeyId"]
    for spec in ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519", "RSA_2048"):
        pair = KMS.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext={"a": "b"})
        private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
        assert private.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo) == pair["PublicKey"]
        opened = KMS.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "b"})
        assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    assert "PrivateKeyPlaintext" not in KMS.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="RSA_2048")


@check("another context, a changed blob, a blob cut short")
def _():
    key = made()["KeyId"]
    sealed = KMS.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"ab": "c"})["CiphertextBlob"]
    for context in ({}, {"a": "bc"}, {"ab": "c", "d": "e"}):
        refused("InvalidCiphertextException", KMS.decrypt, CiphertextBlob=sealed, EncryptionContext=context)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for blob in (changed, sealed[:-1], sealed[:10], b"x"):
        refused("InvalidCiphertextException", KMS.decrypt, CiphertextBlob=blob, EncryptionContext={"ab": "c"})


@check("another key, another use, another tenant")
def _():
    first, second = made()["KeyId"], made()["KeyId"]
    sealed = KMS.encrypt(KeyId=first, Plaintext=b"x")["CiphertextBlob"]
    refused("IncorrectKeyException", KMS.decrypt, CiphertextBlob=sealed, KeyId=second)
    mac = made(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    refused("InvalidKeyUsageException", KMS.encrypt, KeyId=mac, Plaintext=b"x")
    rival = client("rival")
    refused("InvalidCiphertextException", rival.decrypt, CiphertextBlob=sealed)
    refused("NotFoundException", rival.encrypt, KeyId=first, Plaintext=b"x")
    assert first not in [key["KeyId"] for key in rival.list_keys()["Keys"]]


@check("what is too large, malformed or not there")
def _():
    key = made()["KeyId"]
    KMS.encrypt(KeyId=key, Plaintext=bytes(4096))
    assert send("Encrypt", json.dumps({"KeyId": key, "Plaintext": base64.b64encode(bytes(4097)).decode()}))[0] == (
        400, "ValidationException")
    assert send("Encrypt", json.dumps({"KeyId": key, "Plaintext": "%%"}))[0] == (400, "ValidationException")
    assert send("Encrypt", "{")[0] == (400, "SerializationException")
    refused("UnsupportedOperationException", KMS.create_grant, KeyId=key, GranteePrincipal="arn:aws:iam::1:user/a",
            Operations=["Decrypt"])
    refused("UnsupportedOperationException", KMS.decrypt, CiphertextBlob=b"x", DryRun=True)


@check("wrong secret, region, session token; unknown key")
def _():
    refused("InvalidSignatureException", client(secret="wrong").list_keys)
    refused("InvalidSignatureException", client(region="us-east-1").list_keys)
    refused("UnrecognizedClientException", client(token="token").list_keys)
    refused("UnrecognizedClientException", client(id="CLAKAAAAAAAAAAAAAAAA").list_keys)


@check("clocks that are off")
def _():
    for skew in (-240, 240):
        assert send("ListKeys", "{}", skew)[0][0] == 200
    for skew in (-330, 330, -86400):
        assert send("ListKeys", "{}", skew)[0] == (400, "InvalidSignatureException")


@check("altered headers and bodies")
def _():
    def other_target(headers, body):
        headers["x-amz-target"] = "TrentService.ListAliases"
        return body
    assert send("ListKeys", "{}", change=other_target)[0] == (400, "InvalidSignatureException")
    assert send("ListKeys", "{}", change=lambda headers, body: '{"Limit":1}')[0] == (400, "InvalidSignatureException")


@check("a signature that comes twice changes nothing twice")
def _():
    before = len(KMS.list_keys(Limit=1000)["Keys"])
    answers = send("CreateKey", '{"Description":"once"}', times=3)
    assert [status for status, _ in answers] == [200, 400, 400], answers
    assert {kind for _, kind in answers[1:]} == {"ThrottlingException"}
    assert len(KMS.list_keys(Limit=1000)["Keys"]) == before + 1


@check("alike changes in one second, retried by the client")
def _():
    patient = client(retries=8)
    assert len({patient.create_key()["KeyMetadata"]["KeyId"] for _ in range(3)}) == 3

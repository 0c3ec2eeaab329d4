#!/usr/bin/env python3
"""Our provider of Google Cloud KMS beside Google's own client (@google-cloud/kms over REST), both pointed at one
stand-in: the client says whether our requests are what the service gets, and whether the stand-in's answers are what it
gives. The stand-in checks every checksum with an implementation of its own.
"""
import base64
import json
import os
import secrets
import struct
import subprocess
import urllib.request

from lib import interop
from stand_in import StandIn

CLIENT = "5.7.0"
DRONGO = "0.8.0"
LOCATION = "projects/acme/locations/europe-west3"
RING = f"{LOCATION}/keyRings/ring"
KEY = f"{RING}/cryptoKeys/kek"
VERSION = f"{KEY}/cryptoKeyVersions/1"
EMAIL = "worker@acme.iam.gserviceaccount.com"


def crc32c(data):
    """Castagnoli's, a bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def canonical(context):
    """docs/formats/provider-wrap.md: every name and value behind its length, by name."""
    return b"".join(struct.pack("<I", len(part)) + part for name in sorted(context)
                    for part in (name.encode(), context[name].encode()))


def refusal(code, status, message):
    return code, {"error": {"code": code, "status": status, "message": message}}


class Service:
    """One key of one version. What it encrypts it keeps, with its context."""

    def __init__(self, public_key, folder):
        self.public_key, self.folder = public_key, folder
        self.encrypted = {}
        self.verifies = True
        self.passing = 0
        self.tokens = {"of-the-client"}

    def __call__(self, request):
        if request.path.startswith("/computeMetadata/"):
            if request.headers.get("metadata-flavor") != "Google":
                return 403, {}
            return 200, self.new_token(), {"metadata-flavor": "Google"}
        if request.path == "/token":
            return self.exchange(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if self.passing:
            self.passing -= 1
            return refusal(503, "UNAVAILABLE", "The service is currently unavailable.")
        resource, _, verb = request.path.removeprefix("/v1/").partition(":")
        if resource == KEY and verb in ("encrypt", "decrypt"):
            return self.crypt(verb, request.json())
        return self.describe(resource, verb)

    def new_token(self):
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def exchange(self, request):
        """Verified by OpenSSL, so that not we alone say that the assertion is signed as it should be."""
        form = request.form()
        signed, _, signature = form["assertion"].rpartition(".")
        (self.folder / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
        verified = subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(self.public_key), "-signature",
                                   str(self.folder / "signature")], input=signed.encode(), capture_output=True, check=False)
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        good = (form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" and verified.returncode == 0
                and claims["iss"] == EMAIL and claims["exp"] - claims["iat"] == 3600
                and claims["scope"] == "https://www.googleapis.com/auth/cloudkms")
        return (200, self.new_token()) if good else (400, {"error": "invalid_grant", "error_description": "no"})

    def describe(self, resource, verb):
        version = {"name": VERSION, "state": "ENABLED", "protectionLevel": "HSM",
                   "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "createTime": "2026-09-01T00:00:00.123456789Z"}
        if resource == LOCATION + "/keyRings":
            return 200, {"keyRings": [{"name": RING}], "totalSize": 1}
        if resource == RING + "/cryptoKeys":
            return 200, {"cryptoKeys": [{"name": KEY}], "totalSize": 1}
        if resource == KEY + "/cryptoKeyVersions":
            return 200, {"cryptoKeyVersions": [version], "totalSize": 1}
        if resource == KEY and verb == "getIamPolicy":
            return 200, {"version": 1, "etag": "BwYAAAAAAAA=", "bindings": [
                {"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [f"serviceAccount:{EMAIL}"]}]}
        if resource == KEY and not verb:
            return 200, {"name": KEY, "purpose": "ENCRYPT_DECRYPT", "primary": version, "rotationPeriod": "7776000s",
                         "createTime": "2026-09-01T00:00:00Z", "nextRotationTime": "2026-11-30T00:00:00Z",
                         "destroyScheduledDuration": "2592000s"}
        return refusal(404, "NOT_FOUND", f"{resource} not found.")

    def crypt(self, verb, body):
        part = "plaintext" if verb == "encrypt" else "ciphertext"
        sent = base64.b64decode(body[part])
        context = base64.b64decode(body.get("additionalAuthenticatedData", ""))
        if body.get(f"{part}Crc32c") != str(crc32c(sent)):
            return refusal(400, "INVALID_ARGUMENT", f"The checksum of {part} did not match the data.")
        if body.get("additionalAuthenticatedDataCrc32c") != str(crc32c(context)):
            return refusal(400, "INVALID_ARGUMENT", "The checksum of additional_authenticated_data did not match.")
        if verb == "encrypt":
            made = secrets.token_bytes(24) + bytes(len(sent))
            self.encrypted[made, context] = sent
            verified = {"verifiedPlaintextCrc32c": True,
                        "verifiedAdditionalAuthenticatedDataCrc32c": True} if self.verifies else {}
            return 200, {"name": VERSION, "ciphertext": base64.b64encode(made).decode(), "protectionLevel": "HSM",
                         "ciphertextCrc32c": str(crc32c(made)), **verified}
        if (sent, context) not in self.encrypted:
            return refusal(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.")
        opened = self.encrypted[sent, context]
        return 200, {"plaintext": base64.b64encode(opened).decode(), "plaintextCrc32c": str(crc32c(opened)),
                     "usedPrimary": True, "protectionLevel": "HSM"}


def shape(request):
    """What must be the same, whoever asks: how enums are written in answers is each one's own choice."""
    query = {name: value for name, value in request.query.items() if name != "$alt"}
    return (request.method, request.path, tuple(query.items()), json.dumps(request.json(), sort_keys=True),
            request.headers.get("x-goog-request-params"))


class Programs:
    def __init__(self, run, server):
        self.run, self.server = run, server
        self.modules = run.npm(f"@google-cloud/kms@{CLIENT}")
        self.options = run.folder / "google.json"
        self.use(credential="metadata")

    def use(self, **more):
        self.options.write_text(json.dumps({"endpoint": self.server.url, "metadata": self.server.url,
                                            "location": LOCATION, "key_ring": "ring", **more}))

    def ours(self, verb, *given):
        argv = [self.run.build / "tests/kms_tool", "google-kms", self.options, verb, *given]
        return self._run(argv, self.run.environment())

    def theirs(self, verb, *given):
        script = interop.SOURCE / "tests/interop/google_client.cjs"
        argv = [self.run.node(), "--no-warnings", script, self.server.url.rsplit(":", 1)[1], verb, *given]
        return self._run(argv, self.run.environment(NODE_PATH=os.path.join(self.modules, "node_modules")))

    def _run(self, argv, environment):
        self.server.take()
        done = subprocess.run([str(part) for part in argv], env=environment, capture_output=True, text=True, timeout=60,
                              check=False)
        requests = [request for request in self.server.take() if request.path.startswith("/v1/")]
        return json.loads(done.stdout.splitlines()[-1]), [shape(request) for request in requests]


def compare_requests(row, programs):
    described, ours = programs.ours("describe", "kek")
    for number, verb in enumerate(("get", "versions")):
        answer, theirs = programs.theirs(verb, KEY)
        row.check(f"request: {verb}", theirs == [ours[number]], f"ours {ours}\ntheirs {theirs}")
        row.check(f"answer understood by the client: {verb}", "error" not in answer, str(answer))
    row.check("describes the key", described.get("protection") == "hsm" and described.get("state") == "enabled"
              and described.get("managed_by") == "customer", str(described))
    listed, ours = programs.ours("list")
    names, theirs = programs.theirs("keys", RING)
    row.check("request: list keys", ours == theirs and listed.get("keys") == names == [KEY], f"{ours}\n{theirs}")
    programs.use(credential="metadata", key_ring="")
    listed, ours = programs.ours("list")
    names, theirs = programs.theirs("rings", LOCATION)
    row.check("request: list key rings", ours[:1] == theirs and listed.get("keys") == [KEY], f"{ours}\n{theirs}")
    programs.use(credential="metadata")


def exchange_wraps(row, programs):
    plaintext = secrets.token_bytes(32)
    context = canonical({"tenant": "acme", "purpose": "kek"})
    sums = (plaintext.hex(), crc32c(plaintext), context.hex(), crc32c(context))
    made, ours = programs.ours("wrap", "kek", plaintext.hex(), "tenant=acme", "purpose=kek")
    theirs_made, theirs = programs.theirs("encrypt", KEY, *sums)
    row.check("request: encrypt, with both checksums", ours == theirs and ours, f"{made}\n{ours}\n{theirs}")
    row.check("key_version is the version's name", made.get("key_version") == VERSION, str(made))
    sealed = bytes.fromhex(made["ciphertext"])
    opened, theirs = programs.theirs("decrypt", KEY, sealed.hex(), crc32c(sealed), context.hex(), crc32c(context))
    row.check("the client opens what we wrapped", opened.get("plaintext") == plaintext.hex(), str(opened))
    answer, ours = programs.ours("unwrap", "kek", sealed.hex(), VERSION, "tenant=acme", "purpose=kek")
    row.check("request: decrypt, with both checksums", ours == theirs and ours, f"{ours}\n{theirs}")
    answer, _ = programs.ours("unwrap", "kek", theirs_made["ciphertext"], VERSION, "tenant=acme", "purpose=kek")
    row.check("we open what the client wrapped", answer.get("plaintext") == plaintext.hex(), str(answer))
    moved, _ = programs.ours("unwrap", "kek", theirs_made["ciphertext"], VERSION, "tenant=other", "purpose=kek")
    row.check("another context is denied", moved.get("error") == "denied", str(moved))
    root, _ = programs.ours("root", "kek")
    row.check("is a root, bound to its context", root.get("opens") is True
              and root.get("in_another_context") == "denied", str(root))


def account_file(run, server):
    """A service account's key file, as Google's tools write it, and the file of its public half."""
    private, public = run.folder / "key.pem", run.folder / "public.pem"
    for argv in (["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private],
                 ["openssl", "pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run([str(part) for part in argv], check=True, capture_output=True)
    credentials = run.folder / "account.json"
    credentials.write_text(json.dumps({"type": "service_account", "private_key_id": "k1", "client_email": EMAIL,
                                       "private_key": private.read_text(), "token_uri": f"{server.url}/token"}))
    credentials.chmod(0o600)
    return credentials, public


def post(url, value):
    request = urllib.request.Request(url, json.dumps(value).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def against_drongo(run, server):
    """A server by somebody else, with contexts and checksums. What it encrypts isn't secret, and its keys have no
    versions, policy or state."""
    with run.row("provider", "google-kms", against="drongo", version=DRONGO) as row:
        python = run.pip(f"drongo=={DRONGO}", "google-crc32c==1.7.1")
        port = interop.free_port()
        with run.server([python, "-m", "drongo.cli", "server", "--host", "127.0.0.1", "--port", str(port)],
                        ready=("127.0.0.1", port)):
            url = f"http://127.0.0.1:{port}"
            post(f"{url}/v1/{LOCATION}/keyRings?keyRingId=ring", {})
            for name in ("kek", "other"):
                post(f"{url}/v1/{RING}/cryptoKeys?cryptoKeyId={name}", {"purpose": "ENCRYPT_DECRYPT"})
            programs = Programs(run, server)
            programs.use(credential="metadata", endpoint=url)
            plaintext = secrets.token_hex(32)
            made, _ = programs.ours("wrap", "kek", plaintext, "tenant=acme")
            row.check("key_version is the version's name", made.get("key_version") == VERSION, str(made))
            wrap = (made["ciphertext"], VERSION)
            opened, _ = programs.ours("unwrap", "kek", *wrap, "tenant=acme")
            row.check("opens what it wrapped", opened.get("plaintext") == plaintext, str(opened))
            moved, _ = programs.ours("unwrap", "kek", *wrap, "tenant=other")
            row.check("another context is denied", moved.get("error") == "denied", str(moved))
            other, _ = programs.ours("unwrap", "other", wrap[0], VERSION.replace("/kek/", "/other/"), "tenant=acme")
            row.check("another key is denied", other.get("error") == "denied", str(other))
            root, _ = programs.ours("root", "kek")
            row.check("is a root, bound to its context", root.get("opens") is True
                      and root.get("in_another_context") == "denied", str(root))
            listed, _ = programs.ours("list")
            row.check("lists both keys", listed.get("keys") == [KEY, KEY.replace("kek", "other")], str(listed))
            described, _ = programs.ours("describe", "kek")
            row.check("describes what the server knows", described.get("state") == "enabled"
                      and described.get("protection") == "software" and "not_assessed" in described["versions"],
                      str(described))
            absent, _ = programs.ours("wrap", "absent", plaintext)
            row.check("an unknown key is not found", absent.get("error") == "not-found", str(absent))
            health, _ = programs.ours("health")
            row.check("serves", health.get("serving") is True, str(health))
            row.skip("versions, destruction and policies", "drongo has none; unit tests on documented answers cover them")
            row.skip("a checksum that is wrong", "drongo doesn't verify ours; the other stand-in does")


def main():
    run = interop.Run("google_servers")
    service = Service(run.folder / "public.pem", run.folder)
    server = StandIn(service)
    with run.row("provider", "google-kms", against="@google-cloud/kms, as oracle", version=CLIENT) as row:
        programs = Programs(run, server)
        compare_requests(row, programs)
        exchange_wraps(row, programs)
        service.verifies = False
        unverified, _ = programs.ours("wrap", "kek", "00" * 32)
        row.check("a service that verifies no checksum is not believed", unverified.get("error") == "corrupt",
                  str(unverified))
        service.verifies, service.passing = True, 2
        resolved, _ = programs.ours("resolve", "kek")
        row.check("UNAVAILABLE is asked again", resolved.get("key") == KEY, str(resolved))
        absent, _ = programs.ours("describe", "absent")
        row.check("an unknown key is not found", absent.get("error") == "not-found", str(absent))
        credentials, _ = account_file(run, server)
        programs.use(credential="service-account", credentials_file=str(credentials))
        resolved, _ = programs.ours("resolve", "kek")
        row.check("a service account's assertion, which OpenSSL verifies", resolved.get("key") == KEY, str(resolved))
    against_drongo(run, server)
    run.finish()


if __name__ == "__main__":
    main()

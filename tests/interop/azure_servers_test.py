#!/usr/bin/env python3
"""Our provider of Azure Key Vault beside Microsoft's own client (@azure/keyvault-keys), both pointed at one stand-in:
the client says whether our requests are what a vault gets, and whether the stand-in's answers are what a vault gives.
"""
import base64
import json
import os
import secrets
import subprocess

from lib import interop
from stand_in import StandIn

CLIENT = "4.10.2"
TENANT = "acme.example"
VERSION = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ATTRIBUTES = {"enabled": True, "created": 1790000000, "updated": 1790000000, "recoveryLevel": "Recoverable+Purgeable",
              "recoverableDays": 90, "exportable": False}


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "==")


class RsaPair:
    """RSA-OAEP with SHA-256 by OpenSSL's program."""

    def __init__(self, folder):
        self.file = folder / "pair.pem"
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.file)
        modulus = self._openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        self.public = {"kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def run(self, verb, data):
        """Nothing where it doesn't open."""
        try:
            return self._openssl("pkeyutl", f"-{verb}", "-inkey", self.file, "-pkeyopt", "rsa_padding_mode:oaep",
                                 "-pkeyopt", "rsa_oaep_md:sha256", data=data)
        except subprocess.CalledProcessError:
            return None

    @staticmethod
    def _openssl(*argv, data=None):
        return subprocess.run(["openssl", *(str(part) for part in argv)], input=data, check=True, capture_output=True).stdout


class Vault:
    """Three keys: oct-HSM "kek", as Managed HSM has them, whose wraps it keeps; "pair", an RSA key; and "gone", which is
    deleted."""

    def __init__(self, folder):
        self.pair = RsaPair(folder)
        self.wrapped = {}
        self.throttle = 0
        self.tokens = {"of-the-client"}

    def __call__(self, request):
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self.token(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {}, {"www-authenticate": f'Bearer authorization="https://login.windows.net/{TENANT}", '
                                                 'resource="https://vault.azure.net"'}
        if "api-version" not in request.query:
            return 400, {"error": {"code": "BadParameter", "message": "api-version is missing"}}
        if self.throttle:
            self.throttle -= 1
            return 429, {"error": {"code": "Throttled", "message": "VaultRequestTypeLimitReached"}}
        path = request.path.rstrip("/")
        return self.pairs(request, path) if path.startswith("/keys/pair") else self.keys(request, path)

    def pairs(self, request, path):
        kid = f"http://{request.headers['host']}/keys/pair/{VERSION}"
        if path in ("/keys/pair", f"/keys/pair/{VERSION}"):
            return 200, {"key": {"kid": kid, "key_ops": ["wrapKey", "unwrapKey"], **self.pair.public}, "attributes": ATTRIBUTES}
        verb = {"wrapkey": "encrypt", "unwrapkey": "decrypt"}[path.rsplit("/", 1)[1]]
        done = self.pair.run(verb, unb64(request.json()["value"])) if request.json()["alg"] == "RSA-OAEP-256" else None
        if not done:
            return 400, {"error": {"code": "BadParameter", "message": "The parameter is incorrect."}}
        return 200, {"kid": kid, "value": b64(done)}

    def token(self, request):
        form = request.form()
        wanted = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret & more",
                  "scope": "https://vault.azure.net/.default"}
        if any(form.get(name) != value for name, value in wanted.items()):
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

    def keys(self, request, path):
        kid = f"http://{request.headers['host']}/keys/kek"
        key = {"key": {"kid": f"{kid}/{VERSION}", "kty": "oct-HSM", "key_ops": ["wrapKey", "unwrapKey"]},
               "attributes": ATTRIBUTES}
        if path == "/keys":
            return 200, {"value": [{"kid": kid, "attributes": ATTRIBUTES}], "nextLink": None}
        if path in ("/keys/kek", f"/keys/kek/{VERSION}"):
            return 200, key
        if path == "/keys/kek/versions":
            return 200, {"value": [{"kid": f"{kid}/{VERSION}", "attributes": ATTRIBUTES}], "nextLink": None}
        if path == "/keys/kek/rotationpolicy":
            return 200, {"id": f"{kid}/rotationpolicy", "attributes": {"expiryTime": "P2Y"}, "lifetimeActions": [
                {"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}]}
        if path == "/deletedkeys/gone":
            deleted = json.loads(json.dumps(key).replace("/kek/", "/gone/"))
            return 200, {**deleted, "deletedDate": 1795000000, "scheduledPurgeDate": 1802776000}
        if path == f"/keys/kek/{VERSION}/wrapkey":
            value = b64(secrets.token_bytes(40))
            self.wrapped[value] = request.json()["value"]
            return 200, {"kid": f"{kid}/{VERSION}", "value": value}
        if path == f"/keys/kek/{VERSION}/unwrapkey":
            if request.json()["value"] not in self.wrapped:
                return 400, {"error": {"code": "BadParameter", "message": "The parameter is incorrect."}}
            return 200, {"kid": f"{kid}/{VERSION}", "value": self.wrapped[request.json()["value"]]}
        return 404, {"error": {"code": "KeyNotFound", "message": f"{path} was not found"}}


def shape(request):
    """What must be the same, whoever asks: page sizes and the version of the API are each one's own choice."""
    query = {name: value for name, value in request.query.items() if name not in ("api-version", "maxresults")}
    return (request.method, request.path.rstrip("/"), tuple(query.items()), "api-version" in request.query,
            json.dumps(request.json(), sort_keys=True), request.headers.get("content-type"), request.headers["accept"],
            request.headers.get("authorization", "none").split(" ")[0])


class Programs:
    def __init__(self, run, server):
        self.run, self.server = run, server
        self.modules = run.npm(f"@azure/keyvault-keys@{CLIENT}")
        secret = run.folder / "secret"
        secret.write_text("s3cret & more\n")
        secret.chmod(0o600)
        self.secret = str(secret)
        self.options = run.folder / "azure.json"
        self.evidence = run.folder / "evidence"
        self.use(algorithm="A256KW")

    def use(self, **more):
        self.options.write_text(json.dumps({
            "vault": self.server.url, "resource": "https://vault.azure.net", "login": self.server.url,
            "credential": "client-secret", "client_id": "app", "client_secret_file": self.secret,
            "evidence_file": str(self.evidence), **more}))

    def ours(self, verb, *given):
        argv = [self.run.build / "tests/kms_tool", "azure-key-vault", self.options, verb, *given]
        return self._run(argv, self.run.environment())

    def theirs(self, verb, *given):
        script = interop.SOURCE / "tests/interop/azure_client.cjs"
        argv = [self.run.node(), script, self.server.url, verb, *given]
        return self._run(argv, self.run.environment(NODE_PATH=os.path.join(self.modules, "node_modules")))

    def _run(self, argv, environment):
        self.server.take()
        done = subprocess.run([str(part) for part in argv], env=environment, capture_output=True, text=True, timeout=60,
                              check=False)
        requests = [request for request in self.server.take() if not request.path.endswith("/token")]
        return json.loads(done.stdout.splitlines()[-1]), [shape(request) for request in requests]


def compare_requests(row, programs, kid):
    """Ours describes with three requests what the client has three functions for."""
    described, ours = programs.ours("describe", "kek")
    for verb, part in (("get", "/keys/kek"), ("versions", "/versions"), ("rotation", "/rotationpolicy")):
        answer, theirs = programs.theirs(verb, "kek")
        mine = [one for one in ours if one[1].endswith(part)]
        row.check(f"request: {verb}", mine == theirs[-len(mine):] and mine, f"{answer}\nours {ours}\ntheirs {theirs}")
        row.check(f"answer understood by the client: {verb}", "error" not in answer, str(answer))
    row.check("challenge is asked for without token and body", ours[0][-1] == theirs[0][-1] == "none"
              and ours[0][4] == theirs[0][4] == "null", f"{ours[0]}\n{theirs[0]}")
    listed, ours = programs.ours("list")
    _, theirs = programs.theirs("list")
    row.check("request: list", ours[-1] == theirs[-1], f"{ours}\n{theirs}")
    row.check("lists the key", listed.get("keys") == [kid.rsplit("/", 1)[0]], str(listed))
    return described


def exchange_wraps(row, programs, kid):
    plaintext = secrets.token_hex(32)
    made, ours = programs.ours("wrap", "kek", plaintext, "tenant=acme")
    row.check("key_version is the kid", made.get("key_version") == kid, str(made))
    opened, theirs = programs.theirs("unwrap", kid, "A256KW", made["ciphertext"][2:])
    row.check("the client opens what we wrapped", opened == {"id": kid, "result": plaintext}, str(opened))
    theirs_made, wrap_theirs = programs.theirs("wrap", kid, "A256KW", plaintext)
    row.check("request: wrapkey", ours[-1] == wrap_theirs[-1], f"{ours[-1]}\n{wrap_theirs[-1]}")
    answer, ours = programs.ours("unwrap", "kek", "02" + theirs_made["result"], kid, "tenant=acme")
    row.check("we open what the client wrapped", answer.get("plaintext") == plaintext, str(answer))
    # Each opened the other's wrap, so the values differ and everything else must not.
    row.check("request: unwrapkey", ours[-1][:4] + ours[-1][5:] == theirs[-1][:4] + theirs[-1][5:]
              and json.loads(ours[-1][4]).keys() == json.loads(theirs[-1][4]).keys()
              and json.loads(ours[-1][4])["alg"] == json.loads(theirs[-1][4])["alg"], f"{ours[-1]}\n{theirs[-1]}")
    changed, _ = programs.ours("unwrap", "kek", "02ff" + theirs_made["result"][2:], kid)
    row.check("a changed wrap is denied", changed.get("error") == "denied", str(changed))
    root, _ = programs.ours("root", "kek")
    row.check("is a root, bound to its context", root.get("opens") is True
              and root.get("in_another_context") == "denied", str(root))


def exchange_rsa_wraps(row, programs, kid):
    """The client wraps by itself, with the public key; OpenSSL opens for the vault."""
    programs.use()
    plaintext = secrets.token_hex(64)
    made, _ = programs.ours("wrap", "pair", plaintext)
    opened, _ = programs.theirs("unwrap", kid, "RSA-OAEP-256", made["ciphertext"][2:])
    row.check("RSA-OAEP-256: the client opens what we wrapped", opened == {"id": kid, "result": plaintext}, str(opened))
    theirs, _ = programs.theirs("wrap", kid, "RSA-OAEP-256", plaintext)
    answer, _ = programs.ours("unwrap", "pair", "01" + theirs["result"], kid)
    row.check("RSA-OAEP-256: we open what the client wrapped", answer.get("plaintext") == plaintext, str(answer))
    last = int(theirs["result"][-2:], 16) ^ 1
    changed, _ = programs.ours("unwrap", "pair", f"01{theirs['result'][:-2]}{last:02x}", kid)
    row.check("RSA-OAEP-256: a changed wrap is denied", changed.get("error") == "denied", str(changed))
    root, _ = programs.ours("root", "pair")
    row.check("RSA-OAEP-256: is a root, bound to its context", root.get("opens") is True
              and root.get("in_another_context") == "denied", str(root))
    programs.use(algorithm="A256KW")


def main():
    run = interop.Run("azure_servers")
    vault = Vault(run.folder)
    server = StandIn(vault)
    kid = f"{server.url}/keys/kek/{VERSION}"
    with run.row("provider", "azure-key-vault", against="@azure/keyvault-keys, as oracle", version=CLIENT) as row:
        programs = Programs(run, server)
        described = compare_requests(row, programs, kid)
        row.check("describes the key", described.get("protection") == "hsm" and described.get("state") == "enabled"
                  and described.get("managed_by") == "customer", str(described))
        exchange_wraps(row, programs, kid)
        exchange_rsa_wraps(row, programs, kid.replace("/kek/", "/pair/"))
        gone, _ = programs.ours("describe", "gone")
        row.check("a deleted key is pending deletion", gone.get("state") == "pending-deletion", str(gone))
        absent, _ = programs.ours("describe", "absent")
        row.check("an unknown key is not found", absent.get("error") == "not-found", str(absent))
        vault.throttle = 1
        resolved, _ = programs.ours("resolve", "kek")
        row.check("throttled without retry-after, it asks again", resolved.get("key") == f"{server.url}/keys/kek",
                  str(resolved))
        evidence = [json.loads(line) for line in programs.evidence.read_text().splitlines()]
        row.check("evidence of wraps has no body", all(one["withheld"] == ("wrapkey" in one["operation"])
                                                       and (not one["withheld"] or not one["body"])
                                                       for one in evidence), str(evidence)[:2000])
        row.skip("an independent server", "lowkey-vault is in none of the registries that tests install from, and "
                                          "nothing else there has keys that wrap; AES key wrap is covered by shape alone")
    run.finish()


if __name__ == "__main__":
    main()

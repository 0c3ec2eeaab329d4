#!/usr/bin/env python3
"""The Vault provider against HashiCorp's own transit engine and login methods, built from their Go module.

vault_server/ is what runs them: the engines are Vault's code, the HTTP front and the table of tokens are not.
"""
import base64
import json
import ssl
import struct
import subprocess
import sys
import urllib.request

from lib import certificates, interop

VERSION = "1.21.4"  # as in vault_server/go.mod


class Vault:
    """The server, and its administrator."""

    def __init__(self, run):
        self.run, self.program, self.port = run, run.go_build("vault_server", go="1.25.3"), interop.free_port()
        self.address = f"https://localhost:{self.port}"
        authority = certificates.Authority(run.folder / "certificates", "authority")
        stranger = certificates.Authority(run.folder / "certificates", "stranger")
        self.authority, self.strangers_authority = authority.path, stranger.path
        self.certificate = authority.issue("server", "localhost", "server")
        self.mine = authority.issue("mine", "cloister", "client")
        self.forged = stranger.issue("forged", "cloister", "client")
        self.token_file = run.folder / "root.token"
        self.context = ssl.create_default_context(cafile=str(self.authority))

    def start(self):
        return self.run.server([self.program, f"127.0.0.1:{self.port}", *self.certificate, self.token_file],
                               ready=("127.0.0.1", self.port))

    def ask(self, method, path, body=None, namespace="", token=None):
        headers = {"X-Vault-Token": token or self.token_file.read_text(encoding="utf-8")}
        if namespace:
            headers["X-Vault-Namespace"] = namespace
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{path}", data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def subject(self, name, **options):
        return Subject(self.run, name, {"address": self.address, "authorities": str(self.authority), **options})

    def secret(self, name, text):
        path = self.run.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)


class Subject:
    """The provider with its options, as kms_tool runs it."""

    def __init__(self, run, name, options):
        self.run, self.tool = run, run.build / "tests/kms_tool"
        self.options, self.evidence = run.folder / f"{name}.json", run.folder / f"{name}.evidence"
        self.options.write_text(json.dumps({"evidence_file": str(self.evidence), **options}), encoding="utf-8")

    def __call__(self, *arguments, **environment):
        argv = [str(part) for part in (self.tool, "vault-transit", self.options, *arguments)]
        got = subprocess.run(argv, capture_output=True, text=True, timeout=180, check=False,
                             env=self.run.environment(**environment))
        return json.loads(got.stdout)


def refused(answer, error, *words):
    return answer.get("error") == error and all(word in answer["message"] for word in words)


def canonical(context):
    out = b""
    for name, value in sorted(context.items()):
        for text in (name, value):
            out += struct.pack("<I", len(text.encode())) + text.encode()
    return out


def check_wraps(row, vault, subject):
    plaintext, context = "5a" * 64, {"tenant": "acme", "purpose": "kek"}
    bound = [f"{name}={value}" for name, value in context.items()]
    wrapped = subject("wrap", "corpus", plaintext, *bound)
    row.check("wrap names its version", wrapped.get("key_version") == "v1", wrapped)
    blob = wrapped["ciphertext"]
    row.check("wrap and unwrap", subject("unwrap", "corpus", blob, "v1", *bound) == {"plaintext": plaintext})
    opened = vault.ask("POST", "transit/decrypt/corpus", {
        "ciphertext": bytes.fromhex(blob).decode(), "associated_data": base64.b64encode(canonical(context)).decode()})
    row.check("the server's administrator opens the wrap with its context",
              base64.b64decode(opened["data"]["plaintext"]).hex() == plaintext)
    row.check("another context is refused", refused(subject("unwrap", "corpus", blob, "v1", "tenant=other", "purpose=kek"),
                                                    "denied", "message authentication failed"))
    row.check("no context is refused", refused(subject("unwrap", "corpus", blob, "v1"), "denied"))
    row.check("another key is refused", refused(subject("unwrap", "models", blob, "v1", *bound), "denied"))
    sealed = bytearray(base64.b64decode(bytes.fromhex(blob).decode().split(":")[2]))
    for name, place in {"nonce": 0, "ciphertext": 12, "tag": len(sealed) - 1}.items():
        changed = bytearray(sealed)
        changed[place] ^= 1
        text = f"vault:v1:{base64.b64encode(changed).decode()}".encode().hex()
        row.check(f"a tampered {name} is refused", refused(subject("unwrap", "corpus", text, "v1", *bound), "denied"))
    row.check("a truncated wrap is refused", refused(subject("unwrap", "corpus", blob[:60], "v1", *bound), "denied"))
    row.check("a wrap under another version than it says is refused",
              refused(subject("unwrap", "corpus", blob, "v2", *bound), "denied", "version"))
    root = subject("root", "corpus")
    row.check("as a root of a home", root.get("opens") and root.get("in_another_context") == "denied", root)
    return blob, bound, plaintext


def check_rotation(row, vault, subject, blob, bound, plaintext):
    before = subject("describe", "corpus")
    row.check("posture of a key that was never rotated",
              before.get("last_rotated", 1) is None and before["origin"] == "provider" and before["state"] == "enabled" and
              before["protection"] == "software" and before["algorithm"] == "aes256-gcm96" and not before["exportable"] and
              before["managed_by"] == "customer" and before["policy_findings"] == [], before)
    vault.ask("POST", "transit/keys/corpus/rotate")
    wrapped = subject("wrap", "corpus", "00", "a=b")
    row.check("the newest version wraps", wrapped.get("key_version") == "v2", wrapped)
    row.check("older versions open", subject("unwrap", "corpus", blob, "v1", *bound) == {"plaintext": plaintext})
    after = subject("describe", "corpus")
    row.check("posture says when it was rotated", after.get("last_rotated") and len(after["versions"]) == 2, after)
    vault.ask("POST", "transit/keys/corpus/config", {"min_decryption_version": 2, "deletion_allowed": True,
                                                     "exportable": True, "allow_plaintext_backup": True,
                                                     "auto_rotate_period": "720h"})
    row.check("a version below the least is refused", refused(subject("unwrap", "corpus", blob, "v1", *bound), "denied"))
    worse = subject("describe", "corpus")
    row.check("posture finds what should worry",
              worse.get("policy_findings") == ["exportable", "no-deletion-guard", "plaintext-backup"] and
              worse["rotation"]["automatic"] and worse["versions"][0]["state"] == "disabled", worse)


def check_keys(row, vault, subject):
    row.check("a key becomes its full name", subject("resolve", "corpus") == {"key": "transit/corpus"})
    row.check("the list has the keys", "transit/models" in subject("list").get("keys", []))
    row.check("an unknown key is refused", refused(subject("wrap", "nobody", "00"), "not-found"))
    row.check("and isn't made by it", "nobody" not in vault.ask("GET", "transit/keys?list=true")["data"]["keys"])
    for kind in ("rsa-2048", "ed25519", "hmac"):
        vault.ask("POST", f"transit/keys/{kind}", {"type": kind, **({"key_size": 32} if kind == "hmac" else {})})
        row.check(f"a key of type {kind} is refused", refused(subject("root", kind), "invalid", kind))
    vault.ask("POST", "transit/keys/derived", {"derived": True})
    row.check("a derived key is refused", refused(subject("root", "derived"), "invalid", "derived"))
    for kind in ("aes128-gcm96", "chacha20-poly1305"):
        vault.ask("POST", f"transit/keys/{kind}", {"type": kind})
        row.check(f"a key of type {kind} serves", subject("root", kind).get("opens"))
    for name in ("../sys/seal", "a/b", "a?list=true"):
        row.check(f"the name {name} is refused", refused(subject("describe", name), "invalid"))


def check_logins(row, vault):
    vault.ask("POST", "auth/approle/role/kms", {"token_ttl": "1h"})
    role = vault.ask("GET", "auth/approle/role/kms/role-id")["data"]["role_id"]
    secret = vault.ask("POST", "auth/approle/role/kms/secret-id", {})["data"]["secret_id"]
    approle = vault.subject("approle", auth="approle", role=role, secret_file=vault.secret("secret-id", secret + "\n"))
    row.check("AppRole logs in", approle("root", "models").get("opens"))
    wrong = vault.subject("wrong", auth="approle", role=role, secret_file=vault.secret("wrong-id", "wrong"))
    row.check("a wrong secret_id is refused", refused(wrong("root", "models"), "denied", "log in by AppRole"))

    vault.ask("POST", "auth/cert/certs/kms", {"certificate": open(vault.mine[0], encoding="utf-8").read()})
    by_certificate = vault.subject("by-certificate", auth="cert", certificate=vault.mine[0], key=vault.mine[1])
    row.check("a certificate logs in", by_certificate("root", "models").get("opens"))
    forged = vault.subject("forged", auth="cert", certificate=vault.forged[0], key=vault.forged[1])
    row.check("a certificate of another authority is refused", refused(forged("root", "models"), "denied", "log in by certificate"))

    from_environment = vault.subject("from-environment")
    token = vault.token_file.read_text(encoding="utf-8")
    row.check("VAULT_TOKEN serves", from_environment("root", "models", VAULT_TOKEN=token).get("opens"))
    row.check("a wrong token is refused", refused(from_environment("root", "models", VAULT_TOKEN="hvs.wrong"), "denied"))
    row.check("no token is refused", refused(from_environment("root", "models"), "invalid", "VAULT_TOKEN"))

    login = vault.ask("POST", "auth/approle/login", {"role_id": role, "secret_id": secret})["auth"]
    revoked = vault.subject("revoked", secret_file=vault.secret("revoked.token", login["client_token"]))
    row.check("a token of a role serves", revoked("root", "models").get("opens"))
    vault.ask("POST", "auth/token/revoke-self", token=login["client_token"])
    row.check("and doesn't when it is revoked", refused(revoked("root", "models"), "denied", "permission denied"))


def check_namespaces(row, vault):
    vault.ask("POST", "transit/keys/ours", {}, namespace="acme")
    subject = vault.subject("namespace", namespace="acme", secret_file=str(vault.token_file))
    root = subject("root", "ours")
    row.check("a namespace's key", root.get("key_id") == "vault-transit:acme/transit/ours" and root.get("opens"), root)
    row.check("isn't another namespace's", refused(vault.subject("none", secret_file=str(vault.token_file))("root", "ours"),
                                                   "not-found"))


def check_evidence(row, subject):
    lines = [json.loads(line) for line in subject.evidence.read_text(encoding="utf-8").splitlines()]
    secret = [line for line in lines if "crypt/" in line["operation"]]
    row.check("evidence of wraps is kept without them", secret and all(line["withheld"] and not line["body"] for line in secret))
    row.check("evidence of keys is kept whole", any(line["operation"] == "GET transit/keys/corpus" and "latest_version" in
                                                    line["body"] and line["request_id"] for line in lines))


def main():
    run = interop.Run("vault_servers")
    with run.row("provider", "vault-transit", against="Vault's transit engine", version=VERSION) as row:
        vault = Vault(run)
        with vault.start():
            for key in ("corpus", "models"):
                vault.ask("POST", f"transit/keys/{key}", {})
            subject = vault.subject("root", secret_file=str(vault.token_file))
            blob, bound, plaintext = check_wraps(row, vault, subject)
            check_rotation(row, vault, subject, blob, bound, plaintext)
            check_keys(row, vault, subject)
            check_logins(row, vault)
            check_namespaces(row, vault)
            check_evidence(row, subject)
            mistrusting = vault.subject("mistrusting", authorities=str(vault.strangers_authority),
                                        secret_file=str(vault.token_file))
            row.check("a server that nobody vouches for is refused", "error" in mistrusting("root", "models"))
        row.check("health of a server that is gone", subject("health").get("serving") is False)
        row.skip("sys/health and sys/seal-status", "they are the core's, which isn't built here; unit tests have their shapes")
        row.skip("Kubernetes and JWT login", "their engines are other modules; unit tests have their requests")
        row.skip("throttling, standby and sealed", "the core's; unit tests have their answers")
    run.finish()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The KMIP provider against PyKMIP's server: over mutual TLS, in KMIP 1.4 and in the newest version it knows, 2.0."""
import hashlib
import json
import struct
import subprocess
import sys

from lib import certificates, interop

VERSION = "0.11.0"
PYKMIP = f"pykmip=={VERSION}"

# What an administrator does, by PyKMIP's own client: VERB ARGUMENT… on the command line, JSON on standard output.
ADMINISTRATOR = """
import json, sys
from kmip.core import enums
from kmip.pie.client import ProxyKmipClient
port, authority, certificate, key, verb, argument = sys.argv[1:]
usage = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
client = ProxyKmipClient("localhost", int(port), certificate, key, authority, ssl_version="PROTOCOL_TLSv1_2",
                         kmip_version=enums.KMIPVersion.KMIP_1_4)
with client:
    if verb == "create":
        print(json.dumps(client.create(enums.CryptographicAlgorithm.AES, 256, name=argument,
                                       cryptographic_usage_mask=usage)))
    elif verb == "activate":
        client.activate(argument)
    elif verb == "revoke":
        client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, argument)
    elif verb == "destroy":
        client.destroy(argument)
    elif verb == "get":
        print(json.dumps(client.get(argument).value.hex()))
"""

DECRYPT = """
import sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
key, nonce, sealed, additional = (bytes.fromhex(argument) for argument in sys.argv[1:])
print(AESGCM(key).decrypt(nonce, sealed, additional).hex())
"""


def canonical(context):
    out = b""
    for name, value in sorted(context.items()):
        for text in (name, value):
            out += struct.pack("<I", len(text.encode())) + text.encode()
    return out


class Subject:
    """The provider with its options, as kms_tool runs it."""

    def __init__(self, run, name, **options):
        self.tool = run.build / "tests/kms_tool"
        self.options = run.folder / f"{name}.json"
        self.evidence = run.folder / f"{name}.evidence"
        self.options.write_text(json.dumps({"host": "localhost", "evidence_file": str(self.evidence), **options}),
                                encoding="utf-8")

    def __call__(self, *arguments):
        got = subprocess.run([str(part) for part in (self.tool, "kmip", self.options, *arguments)], capture_output=True,
                             text=True, timeout=120, check=False)
        return json.loads(got.stdout)


def refused(answer, error, *words):
    return answer.get("error") == error and all(word in answer["message"] for word in words)


class Server:
    """PyKMIP's server, and who may use it."""

    def __init__(self, run, python):
        self.run, self.python, self.port = run, python, interop.free_port()
        authority = certificates.Authority(run.folder / "certificates", "authority")
        stranger = certificates.Authority(run.folder / "certificates", "stranger")
        self.authority = authority.path
        self.mine = authority.issue("mine", "cloister", "client")
        self.other = authority.issue("other", "somebody-else", "client")
        self.forged = stranger.issue("forged", "cloister", "client")
        self.strangers_authority = stranger.path
        certificate, key = authority.issue("server", "localhost", "server")
        self.settings = run.folder / "pykmip.conf"
        (run.folder / "policies").mkdir()
        self.settings.write_text("[server]\n" + "\n".join(f"{name}={value}" for name, value in {
            "hostname": "127.0.0.1", "port": self.port, "certificate_path": certificate, "key_path": key,
            "ca_path": authority.path, "auth_suite": "TLS1.2", "policy_path": run.folder / "policies",
            "enable_tls_client_auth": "True", "logging_level": "INFO",
            "database_path": run.folder / "pykmip.db"}.items()) + "\n", encoding="utf-8")

    def start(self):
        entry = "import sys; from kmip.services.server.server import main; sys.exit(main())"
        return self.run.server([self.python, "-c", entry, "-f", self.settings, "-l", self.run.folder / "pykmip.log"],
                               ready=("127.0.0.1", self.port))

    def administer(self, verb, argument):
        got = subprocess.run([self.python, "-W", "ignore", "-c", ADMINISTRATOR, str(self.port), str(self.authority),
                              *self.mine, verb, argument], capture_output=True, text=True, timeout=60, check=True,
                             env=self.run.environment())
        return json.loads(got.stdout or "null")

    def subject(self, name, who=None, authority=None, **options):
        certificate, key = who or self.mine
        return Subject(self.run, name, port=self.port, authorities=str(authority or self.authority),
                       certificate=certificate, key=key, **options)


def check_wraps(row, server, subject, key, version):
    plaintext = hashlib.sha256(version.encode()).hexdigest() * 2
    context = {"tenant": "acme", "purpose": "kek"}
    bound = [f"{name}={value}" for name, value in context.items()]
    wrapped = subject("wrap", key, plaintext, *bound)
    blob = wrapped.get("ciphertext", "")
    row.check(f"{version}: wrap and unwrap", subject("unwrap", key, blob, "", *bound) == {"plaintext": plaintext}, wrapped)
    # 1, the nonce's size, the nonce, the tag, the ciphertext.
    material = server.administer("get", key)
    arguments = [material, blob[4:28], blob[60:] + blob[28:60], canonical(context).hex()]
    opened = subprocess.run([server.python, "-c", DECRYPT, *arguments], capture_output=True, text=True, check=False)
    row.check(f"{version}: another program opens the wrap with the key", opened.stdout.strip() == plaintext, opened.stderr)
    row.check(f"{version}: another context is refused",
              refused(subject("unwrap", key, blob, "", "tenant=other", "purpose=kek"), "denied", "Decrypt"))
    for name, place in {"nonce": 4, "tag": 30, "ciphertext": 62}.items():
        tampered = blob[:place] + f"{int(blob[place], 16) ^ 1:x}" + blob[place + 1:]
        row.check(f"{version}: a tampered {name} is refused", refused(subject("unwrap", key, tampered, "", *bound), "denied"))
    row.check(f"{version}: a truncated wrap is refused", refused(subject("unwrap", key, blob[:-2], "", *bound), "denied"))
    row.check(f"{version}: a wrap cut down to its head is refused", refused(subject("unwrap", key, blob[:20], "", *bound), "denied"))
    root = subject("root", key)
    row.check(f"{version}: as a root of a home", root.get("opens") and root.get("in_another_context") == "denied", root)
    return blob, bound


def check_keys(row, server, subject, key, version):
    row.check(f"{version}: an unknown key is refused", refused(subject("wrap", "999", "00"), "not-found", "999"))
    row.check(f"{version}: an unknown name is refused", refused(subject("resolve", "nobody"), "not-found"))
    row.check(f"{version}: a name becomes an identifier", subject("resolve", f"active-{version}") == {"key": key})
    row.check(f"{version}: the list has the key", key in subject("list").get("keys", []))
    posture = subject("describe", key)
    row.check(f"{version}: posture", posture.get("state") == "enabled" and posture["algorithm"] == "AES-256" and
              posture["managed_by"] == "customer" and "not_assessed" in posture["origin"], posture)


def check_states(row, server, subject, version):
    key = server.administer("create", f"young-{version}")
    refusal = subject("wrap", key, "00ff")
    row.check(f"{version}: a PreActive key is refused with the way out",
              refused(refusal, "denied", "PreActive", "activate it at the server"), refusal)
    row.check(f"{version}: and stays PreActive", subject("describe", key).get("state") == "not-ready")
    row.check(f"{version}: it is activated when that is asked", subject("activate", key) == {"activated": key})
    row.check(f"{version}: once more changes nothing", subject("activate", key) == {"activated": key})
    wrapped = subject("wrap", key, "00ff", "a=b")
    row.check(f"{version}: and then wraps", "ciphertext" in wrapped, wrapped)
    server.administer("revoke", key)
    row.check(f"{version}: a Deactivated key wraps nothing", refused(subject("wrap", key, "00ff"), "denied", "Deactivated"))
    row.check(f"{version}: its posture says so", subject("describe", key).get("state") == "disabled")
    server.administer("destroy", key)
    row.check(f"{version}: a destroyed key is gone", refused(subject("unwrap", key, wrapped["ciphertext"], "", "a=b"), "not-found"))


def check_strangers(row, server, blob, bound, key):
    forged = server.subject("forged", who=server.forged)
    row.check("a certificate of another authority is refused", refused(forged("resolve", key), "denied"), forged("resolve", key))
    row.check("and health says why", forged("health").get("serving") is False)
    other = server.subject("other", who=server.other)
    row.check("another client's key can't be used", refused(other("wrap", key, "00"), "denied", "PermissionDenied"))
    row.check("nor its wraps be opened", refused(other("unwrap", key, blob, "", *bound), "denied"))
    mistrusting = server.subject("mistrusting", authority=server.strangers_authority)
    row.check("a server that nobody vouches for is refused", "error" in mistrusting("resolve", key))


def check_evidence(row, subject):
    lines = [json.loads(line) for line in subject.evidence.read_text(encoding="utf-8").splitlines()]
    secret = [line for line in lines if line["operation"] in ("Encrypt", "Decrypt")]
    row.check("evidence of wraps is kept without them", secret and all(line["withheld"] and not line["body"] for line in secret))
    row.check("evidence of attributes is kept whole", any(line["operation"] == "GetAttributes" and line["body"] for line in lines))


def main():
    run = interop.Run("kmip_servers")
    with run.row("provider", "kmip", against="PyKMIP", version=VERSION) as row:
        server = Server(run, run.pip(PYKMIP))
        with server.start():
            for newest, spoken in (("2.1", "2.0"), ("1.4", "1.4")):
                subject = server.subject(f"kmip-{newest}", newest=newest)
                health = subject("health")
                row.check(f"{spoken}: version agreed on", health.get("detail", "").startswith(f"KMIP {spoken}, PyKMIP"), health)
                key = server.administer("create", f"active-{spoken}")
                server.administer("activate", key)
                blob, bound = check_wraps(row, server, subject, key, spoken)
                check_keys(row, server, subject, key, spoken)
                check_states(row, server, subject, spoken)
            check_strangers(row, server, blob, bound, key)
            check_evidence(row, subject)
        row.check("a server that is gone is said to be", refused(subject("wrap", key, "00"), "unavailable"))
        row.check("and its health too", subject("health").get("serving") is False)
        row.skip("KMIP 2.1, with its attributes of rotation", "PyKMIP speaks 2.0 at most; a stand-in of the unit tests does")
        row.skip("NIST key wrap in Encrypt", "PyKMIP wraps by it in Get only; a stand-in of the unit tests does")
        row.skip("links of a re-keyed key", "PyKMIP has no ReKey; a stand-in of the unit tests shows them")
    run.finish()


if __name__ == "__main__":
    sys.exit(main())

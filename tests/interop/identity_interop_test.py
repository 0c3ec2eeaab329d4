#!/usr/bin/env python3
"""Identities made here and read by python3-cryptography, and the other way round: certificates, requests, keys, bundles
and tokens of every kind that ours must take or must refuse."""
import base64
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vectors"))
from system_python import use_a_python_with_cryptography

use_a_python_with_cryptography()
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TOOL = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/identity_tool"
NOW = 1795526589
START = datetime.datetime(2026, 11, 24, 13, 23, 9)  # the same, in UTC
ID = "spiffe://example.org/ns/prod/trainer"
DOMAIN = "example.org"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key, **more):
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **more}
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw), **more}
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    return {"kty": "EC", "crv": f"P-{key.key_size}", "x": number(numbers.x, size), "y": number(numbers.y, size), **more}


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM).decode()


class Folder(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def tool(self, *arguments):
        done = subprocess.run([TOOL, *map(str, arguments)], cwd=self.directory.name, capture_output=True, text=True,
                              check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode == 0, done.stdout.strip()

    def assert_ok(self, *arguments):
        good, words = self.tool(*arguments)
        self.assertTrue(good, words)
        return words.removeprefix("ok ")

    def assert_refused(self, word, *arguments):
        good, words = self.tool(*arguments)
        self.assertFalse(good, words)
        self.assertIn(word, words)

    def read(self, name):
        return (pathlib.Path(self.directory.name) / name).read_text()

    def write(self, name, text):
        (pathlib.Path(self.directory.name) / name).write_text(text)
        return name

    def write_bundle(self, *keys):
        return self.write("peer-bundle.json", json.dumps({"keys": keys, "spiffe_sequence": 3, "spiffe_refresh_hint": 60}))


class MadeHere(Folder):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.assert_ok("issue", NOW, DOMAIN, ID, "reports"), ID)
        self.authority = x509.load_pem_x509_certificate(self.read("authority.pem").encode())
        self.leaf = x509.load_pem_x509_certificate(self.read("svid.pem").encode())

    def check_signature(self, certificate):
        self.authority.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes,
                                           ec.ECDSA(certificate.signature_hash_algorithm))

    def extension(self, certificate, kind, critical):
        found = certificate.extensions.get_extension_for_class(kind)
        self.assertEqual(found.critical, critical)
        return found.value

    def test_authority(self):
        certificate = self.authority
        self.check_signature(certificate)
        self.assertEqual(certificate.issuer, certificate.subject)
        self.assertEqual(certificate.not_valid_before, START - datetime.timedelta(minutes=1))
        self.assertEqual(certificate.not_valid_after, START + datetime.timedelta(days=7))
        self.assertEqual(self.extension(certificate, x509.BasicConstraints, True), x509.BasicConstraints(True, 0))
        usage = self.extension(certificate, x509.KeyUsage, True)
        self.assertTrue(usage.key_cert_sign and usage.crl_sign)
        self.assertFalse(usage.digital_signature or usage.key_encipherment or usage.key_agreement)
        names = self.extension(certificate, x509.SubjectAlternativeName, False)
        self.assertEqual(list(names), [x509.UniformResourceIdentifier("spiffe://example.org")])
        constraints = self.extension(certificate, x509.NameConstraints, True)
        self.assertEqual(constraints.permitted_subtrees, [x509.UniformResourceIdentifier(DOMAIN)])
        self.assertIsNone(constraints.excluded_subtrees)
        self.assertEqual(len(list(certificate.extensions)), 5)

    def test_leaf(self):
        certificate = self.leaf
        self.check_signature(certificate)
        self.assertEqual(certificate.issuer, self.authority.subject)
        self.assertEqual(len(certificate.subject.rdns), 0)
        self.assertEqual(certificate.serial_number.bit_length(), 127)
        self.assertEqual(certificate.not_valid_before, START - datetime.timedelta(minutes=1))
        self.assertEqual(certificate.not_valid_after, START + datetime.timedelta(hours=1))
        self.assertEqual(self.extension(certificate, x509.BasicConstraints, True), x509.BasicConstraints(False, None))
        usage = self.extension(certificate, x509.KeyUsage, True)
        self.assertTrue(usage.digital_signature)
        self.assertFalse(usage.key_cert_sign or usage.crl_sign or usage.key_encipherment)
        self.assertEqual(list(self.extension(certificate, x509.ExtendedKeyUsage, False)),
                         [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        names = self.extension(certificate, x509.SubjectAlternativeName, True)
        self.assertEqual(list(names), [x509.UniformResourceIdentifier(ID)])
        own = self.extension(self.authority, x509.SubjectKeyIdentifier, False)
        self.assertEqual(self.extension(certificate, x509.AuthorityKeyIdentifier, False).key_identifier, own.digest)
        self.assertEqual(len(list(certificate.extensions)), 6)

    def test_key_and_request(self):
        key = serialization.load_pem_private_key(self.read("svid.key").encode(), None)
        self.assertEqual(key.public_key().public_numbers(), self.leaf.public_key().public_numbers())
        request = x509.load_pem_x509_csr(self.read("request.pem").encode())
        self.assertTrue(request.is_signature_valid)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        self.assertEqual(list(names.value), [x509.UniformResourceIdentifier(ID)])

    def test_bundle_and_token(self):
        bundle = json.loads(self.read("bundle.json"))
        self.assertEqual(bundle["spiffe_sequence"], 1)
        self.assertEqual(bundle["spiffe_refresh_hint"], 300)
        certificate_entry, token_entry = bundle["keys"]
        self.assertEqual(certificate_entry["use"], "x509-svid")
        self.assertNotIn("kid", certificate_entry)
        self.assertEqual([base64.b64decode(text) for text in certificate_entry["x5c"]], [der(self.authority)])
        self.assertEqual({**jwk(self.authority.public_key()), "use": "x509-svid", "x5c": certificate_entry["x5c"]},
                         certificate_entry)
        token = self.read("token.txt")
        header, payload, signature = token.split(".")
        self.assertEqual(json.loads(from_base64url(header)), {"alg": "ES256", "kid": token_entry["kid"], "typ": "JWT"})
        self.assertEqual(json.loads(from_base64url(payload)),
                         {"aud": ["reports"], "exp": NOW + 300, "iat": NOW, "sub": ID})
        x, y = (int.from_bytes(from_base64url(token_entry[name]), "big") for name in "xy")
        raw = from_base64url(signature)
        self.assertEqual(len(raw), 64)
        encoded = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(encoded, f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        with self.assertRaises(InvalidSignature):
            key.verify(encoded, f"{header}.{payload}A".encode(), ec.ECDSA(hashes.SHA256()))
        thumbprint = hashes.Hash(hashes.SHA256())
        members = {name: token_entry[name] for name in ("crv", "kty", "x", "y")}
        thumbprint.update(json.dumps(members, separators=(",", ":"), sort_keys=True).encode())
        self.assertEqual(token_entry["kid"], base64url(thumbprint.finalize()))

    def test_takes_its_own(self):
        self.assertEqual(self.assert_ok("check-svid", NOW, DOMAIN, "strict", "bundle.json", "svid.pem"), ID)
        self.assertEqual(self.assert_ok("check-token", NOW, DOMAIN, "reports", "bundle.json", "token.txt"), ID)
        self.assert_refused("expired", "check-svid", NOW + 3600, DOMAIN, "strict", "bundle.json", "svid.pem")
        self.assert_refused("expired", "check-token", NOW + 300, DOMAIN, "reports", "bundle.json", "token.txt")
        self.assert_refused("no bundle", "check-svid", NOW, "example.com", "strict", "bundle.json", "svid.pem")


class Peer:
    """Another authority, with python3-cryptography's builder."""

    def __init__(self, key=None, name="peer", issuer=None, **changes):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
        issuer = issuer or self
        usage = changes.get("usage", {"key_cert_sign": True, "crl_sign": True})
        builder = self.builder(self.key.public_key(), self.name, issuer.name, datetime.timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(changes.get("ca", True), None), True)
        builder = builder.add_extension(key_usage(**usage), changes.get("critical", True))
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False)
        if "uri" in changes:
            builder = builder.add_extension(uris(changes["uri"]), False)
        if "permitted" in changes:
            builder = builder.add_extension(
                x509.NameConstraints([x509.UniformResourceIdentifier(changes["permitted"])], None), True)
        self.certificate = issuer.sign(builder)

    @staticmethod
    def builder(key, subject, issuer, lifetime):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
                .serial_number(x509.random_serial_number()).not_valid_before(START - datetime.timedelta(minutes=5))
                .not_valid_after(START + lifetime))

    def sign(self, builder):
        return builder.sign(self.key, None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())

    def issue(self, key=None, names=None, ca=False, usage=None, extended=(True, True), critical=True):
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = self.builder(key.public_key(), x509.Name([]), self.name, datetime.timedelta(hours=1))
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        builder = builder.add_extension(key_usage(**(usage or {"digital_signature": True})), critical)
        uses = [use for use, wanted in zip((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH), extended)
                if wanted]
        if uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), False)
        builder = builder.add_extension(names or uris(ID), True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        return self.sign(builder)

    def entry(self):
        x5c = [base64.b64encode(der(self.certificate)).decode()]
        return jwk(self.key.public_key(), use="x509-svid", x5c=x5c)


def key_usage(**wanted):
    fields = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
              "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{field: wanted.get(field, False) for field in fields})


def uris(*texts):
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text) for text in texts])


class MadeThere(Folder):
    def check(self, word, peer, *chain, conformance="strict", bundle=None):
        self.write("chain.pem", "".join(pem(certificate) for certificate in chain))
        name = self.write_bundle(*(bundle or [peer.entry()]))
        arguments = ("check-svid", NOW, DOMAIN, conformance, name, "chain.pem")
        if word:
            self.assert_refused(word, *arguments)
        else:
            self.assertEqual(self.assert_ok(*arguments), ID)

    def test_authorities_with_every_kind_of_key(self):
        for key in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
                    ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(65537, 2048),
                    ed25519.Ed25519PrivateKey.generate()):
            with self.subTest(key=type(key).__name__):
                peer = Peer(key)
                self.check(None, peer, peer.issue())
                self.check(None, peer, peer.issue(rsa.generate_private_key(65537, 2048)))

    def test_weak_authority(self):
        peer = Peer(rsa.generate_private_key(65537, 1024))
        self.check("2048", peer, peer.issue())

    def test_intermediate(self):
        root = Peer()
        middle = Peer(name="middle", issuer=root, uri="spiffe://example.org")
        self.check(None, root, middle.issue(), middle.certificate)
        self.check("example.org", root, middle.issue())
        for changes, word in (({"ca": False}, "authority"), ({"usage": {"crl_sign": True}}, "may not sign"),
                              ({"uri": "spiffe://example.org/a"}, "path"), ({"critical": False}, "critical")):
            weak = Peer(name="weak", issuer=root, **changes)
            self.check(word, root, weak.issue(), weak.certificate)

    def test_leaves_that_are_none(self):
        peer = Peer()
        dns = x509.SubjectAlternativeName([x509.DNSName("example.org")])
        both = {"digital_signature": True}
        for word, changes in (("no URI", {"names": dns}), ("more than one", {"names": uris(ID, ID + "2")}),
                              ("no SPIFFE ID", {"names": uris("https://example.org/a")}),
                              ("no path", {"names": uris("spiffe://example.org")}), ("authority", {"ca": True}),
                              ("signatures", {"usage": {"key_encipherment": True}}),
                              ("may sign", {"usage": {**both, "key_cert_sign": True}}),
                              ("may sign", {"usage": {**both, "crl_sign": True}})):
            with self.subTest(word=word):
                for conformance in ("strict", "go-spiffe"):
                    self.check(word, peer, peer.issue(**changes), conformance=conformance)
        for word, changes in (("critical", {"critical": False}), ("servers and clients", {"extended": (True, False)}),
                              ("servers and clients", {"extended": (False, True)})):
            with self.subTest(word=word):
                self.check(word, peer, peer.issue(**changes))
                self.check(None, peer, peer.issue(**changes), conformance="go-spiffe")
        self.check(None, peer, peer.issue(extended=(False, False)))

    def test_another_authority(self):
        peer, other = Peer(), Peer()
        for conformance in ("strict", "go-spiffe"):
            self.check("example.org", peer, other.issue(), conformance=conformance)
            self.check("example.org", peer, other.issue(), other.certificate, conformance=conformance)

    def test_name_constraints(self):
        inside, outside = Peer(permitted="example.org"), Peer(permitted="example.com")
        self.check(None, inside, inside.issue())
        for conformance in ("strict", "go-spiffe"):
            self.check("permitted subtree", outside, outside.issue(), conformance=conformance)

    def test_requests(self):
        for key in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
                    rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()):
            with self.subTest(key=type(key).__name__):
                algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
                name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ignored")])
                builder = x509.CertificateSigningRequestBuilder().subject_name(name)
                builder = builder.add_extension(x509.BasicConstraints(True, None), True)
                request = builder.add_extension(uris(ID), False).sign(key, algorithm)
                self.write("peer-request.pem", pem(request))
                self.assert_ok("issue", NOW, DOMAIN, ID, "reports", "peer-request.pem")
                leaf = x509.load_pem_x509_certificate(self.read("svid.pem").encode())
                form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
                self.assertEqual(leaf.public_key().public_bytes(*form), key.public_key().public_bytes(*form))
                self.assertEqual(len(leaf.subject.rdns), 0)
                self.assertFalse(leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
                other = builder.add_extension(uris(ID + "2"), False).sign(key, algorithm)
                self.write("peer-request.pem", pem(other))
                self.assert_refused("another id", "issue", NOW, DOMAIN, ID, "reports", "peer-request.pem")

    def test_private_keys(self):
        for key in (ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
                    ed25519.Ed25519PrivateKey.generate()):
            text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
            spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)
            self.assertEqual(self.assert_ok("check-key", self.write("peer.key", text)), spki.hex())
        key = rsa.generate_private_key(65537, 2048)
        for form, protection, word in ((serialization.PrivateFormat.PKCS8, serialization.NoEncryption(), "aren't used"),
                                       (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption(), "isn't a"),
                                       (serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"), "isn't a")):
            text = key.private_bytes(serialization.Encoding.PEM, form, protection).decode()
            self.assert_refused(word, "check-key", self.write("peer.key", text))


def signer_of(algorithm, key):
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]
    if algorithm.startswith("RS"):
        return lambda data: key.sign(data, padding.PKCS1v15(), digest)
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return lambda data: key.sign(data, pss, digest)
    size = (key.curve.key_size + 7) // 8

    def ecdsa(data):
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return ecdsa


class TokensMadeThere(Folder):
    CLAIMS = {"sub": ID, "aud": "reports", "exp": NOW + 60}

    def token(self, algorithm, sign, claims=None, **header):
        head = {name: value for name, value in {"alg": algorithm, "kid": "k", **header}.items() if value is not None}
        parts = [base64url(json.dumps(part).encode()) for part in (head, claims or self.CLAIMS)]
        signature = sign(".".join(parts).encode())
        return ".".join([*parts, base64url(signature)])

    def check(self, token, key):
        name = self.write_bundle(jwk(key.public_key(), use="jwt-svid", kid="k"))
        return ("check-token", NOW, DOMAIN, "reports", name, self.write("token.txt", token))

    def test_every_algorithm(self):
        rsa_key = rsa.generate_private_key(65537, 2048)
        keys = {"ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1()),
                "ES512": ec.generate_private_key(ec.SECP521R1())}
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *keys):
            with self.subTest(algorithm=algorithm):
                key = keys.get(algorithm, rsa_key)
                token = self.token(algorithm, signer_of(algorithm, key))
                self.assertEqual(self.assert_ok(*self.check(token, key)), ID)
                head, body, signature = token.split(".")
                other = base64url(json.dumps({**self.CLAIMS, "sub": ID + "2"}).encode())
                self.assert_refused("signature", *self.check(f"{head}.{other}.{signature}", key))
                # The same signature under another algorithm's name.
                for claimed in ("RS256", "PS256", "ES256", "RS512", "PS512", "ES384"):
                    if claimed != algorithm:
                        good, _ = self.tool(*self.check(self.token(claimed, signer_of(algorithm, key)), key))
                        self.assertFalse(good, claimed)

    def test_never_taken(self):
        key = ec.generate_private_key(ec.SECP256R1())
        sign = signer_of("ES256", key)
        for algorithm in ("none", "HS256", "EdDSA"):
            self.assert_refused("algorithm", *self.check(self.token(algorithm, sign), key))
        self.assert_refused("type", *self.check(self.token("ES256", sign, typ="wit+jwt"), key))
        self.assert_refused("understood", *self.check(self.token("ES256", sign, crit=["exp"]), key))
        for claims, word in (({"sub": ID, "exp": NOW + 60}, "audience"), ({"sub": ID, "aud": "reports"}, "expires"),
                             ({**self.CLAIMS, "aud": "other"}, "somebody else"), ({**self.CLAIMS, "exp": NOW}, "expired"),
                             ({**self.CLAIMS, "sub": "spiffe://example.com/a"}, "no bundle"),
                             ({**self.CLAIMS, "nbf": NOW + 10}, "before")):
            self.assert_refused(word, *self.check(self.token("ES256", sign, claims), key))
        self.assertEqual(self.assert_ok(*self.check(self.token("ES256", sign, {**self.CLAIMS, "nbf": NOW}), key)), ID)

    def test_no_key_named(self):
        key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        token = self.token("ES256", signer_of("ES256", key), kid=None)
        self.assertEqual(self.assert_ok(*self.check(token, key)), ID)
        self.assert_refused("no key of its trust domain", *self.check(token, other))


if __name__ == "__main__":
    unittest.main()

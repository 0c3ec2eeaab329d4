#!/usr/bin/env python3
"""Other people's clients against a server of ours: curl, openssl s_client, Python's ssl, nghttp and h2load.

Each finds the same server through its own TLS and HTTP code; each way in that must be refused is tried by one of them.
"""
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
except ImportError:
    print("skipped: python3-cryptography is not installed")
    sys.exit(77)

BUILD = pathlib.Path(os.environ["BUILD_DIR"])
SYSTEM = {**os.environ}
SYSTEM.pop("LD_LIBRARY_PATH", None)
SYSTEM_OPENSSL = "/usr/bin/openssl"
now = datetime.datetime.now(datetime.timezone.utc)
hour = datetime.timedelta(hours=1)
results = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, good, detail=""):
    results["passed" if good else "failed"] += 1
    print(("ok: " if good else "FAILED: ") + name + ("" if good else f"\n  {detail}"), flush=True)


def skip(name, why):
    results["skipped"] += 1
    print(f"skipped: {name}: {why}", flush=True)


class Authority:
    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self.start(self.name, self.key.public_key(), now - 24 * hour, now + 24 * hour)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def start(self, subject, public_key, not_before, not_after):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public_key)
                .serial_number(x509.random_serial_number()).not_valid_before(not_before).not_valid_after(not_after))

    def issue(self, folder, file, name, not_before=now - hour, not_after=now + hour):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        names = [x509.UniformResourceIdentifier(f"spiffe://acme.test/{name}"), x509.DNSName("localhost")]
        builder = self.start(subject, key.public_key(), not_before, not_after)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        (folder / f"{file}.pem").write_bytes(certificate.public_bytes(pem))
        (folder / f"{file}-key.pem").write_bytes(key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def run(*command, text=None, timeout=60):
    return subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True, env=SYSTEM,
                          timeout=timeout, errors="replace", check=False)


def curl(*arguments):
    return run("curl", "--silent", "--show-error", "--max-time", "20", *arguments)


class Place:
    """A folder of certificates and the server that uses them."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority("acme")
        mallory = Authority("mallory")
        (folder / "ca.pem").write_bytes(self.authority.certificate.public_bytes(serialization.Encoding.PEM))
        self.renew("server")
        self.authority.issue(folder, "client", "client")
        self.authority.issue(folder, "expired", "client", now - 2 * hour, now - hour)
        mallory.issue(folder, "foreign", "client")
        self.process = subprocess.Popen([str(BUILD / "tests/net_server"), str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(1000):
            if (folder / "port").exists() and (folder / "port").read_text():
                break
            time.sleep(0.01)
        self.port = int((folder / "port").read_text())
        self.url = f"https://localhost:{self.port}"
        self.socket = folder / "socket"

    def renew(self, name):
        self.authority.issue(self.folder, "next", name)
        (self.folder / "next.pem").replace(self.folder / "cert.pem")
        (self.folder / "next-key.pem").replace(self.folder / "key.pem")

    def identity(self, name="client"):
        return ["--cacert", self.folder / "ca.pem", "--cert", self.folder / f"{name}.pem",
                "--key", self.folder / f"{name}-key.pem"]

    def s_client(self, *arguments, name="client"):
        identity = [] if name is None else ["-cert", self.folder / f"{name}.pem", "-key", self.folder / f"{name}-key.pem"]
        request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        got = run(SYSTEM_OPENSSL, "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.folder / "ca.pem",
                  "-ign_eof", *identity, *arguments, text=request)
        return got.stdout + got.stderr

    def context(self, name="client"):
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}-key.pem")
        return context


def test_curl(place):
    for version, protocol in (("--http1.1", "http/1.1"), ("--http2", "h2")):
        got = curl(version, *place.identity(), "--data-binary", "hello", f"{place.url}/a?b")
        answer = json.loads(got.stdout) if got.returncode == 0 else {}
        check(f"curl {version} is answered", answer.get("protocol") == protocol and answer.get("body_bytes") == 5
              and answer.get("peer") == "spiffe://acme.test/client" and answer.get("target") == "/a?b", got)
    large = place.folder / "large"
    large.write_bytes(b"a" * (3 << 20))
    for version in ("--http1.1", "--http2"):
        got = curl(version, *place.identity(), "--data-binary", f"@{large}", place.url)
        check(f"curl {version} uploads 3 MiB, waiting for 100 Continue",
              got.returncode == 0 and json.loads(got.stdout)["body_bytes"] == 3 << 20, got)
        got = curl(version, *place.identity(), "--output", place.folder / "got", f"{place.url}/large")
        check(f"curl {version} downloads 2 MiB", (place.folder / "got").stat().st_size == 2 << 20, got)
        got = curl(version, *place.identity(), f"{place.url}/slow")
        check(f"curl {version} gets an answer made later", got.returncode == 0 and "peer" in got.stdout, got)
        got = curl(version, *place.identity(), "--head", place.url)
        check(f"curl {version} HEAD", " 200" in got.stdout.split("\n")[0], got)
    got = curl("--http1.1", *place.identity(), place.url, f"{place.url}/2", "--write-out", "%{num_connects}")
    check("curl uses its connection again", got.stdout.count('"peer"') == 2 and got.stdout.endswith("}0"), got)


def test_curl_refused(place):
    status = ["--output", "/dev/null", "--write-out", "%{http_code}"]
    for version in ("--http1.1", "--http2"):
        got = curl(version, *place.identity(), *status, f"{place.url}/{'a' * 9000}")
        check(f"curl {version}: URI too long is 414", got.stdout == "414", got)
        got = curl(version, *place.identity(), *status, "--header", "x: " + "a" * 60000, place.url)
        check(f"curl {version}: header too large is 431", got.stdout == "431", got)
        big = place.folder / "big"
        big.write_bytes(b"a" * (5 << 20))
        got = curl(version, *place.identity(), *status, "--data-binary", f"@{big}", place.url)
        check(f"curl {version}: body too large is 413", got.stdout == "413", got)
    got = curl(place.url, "--cacert", place.folder / "ca.pem")
    check("curl without a certificate is refused", got.returncode != 0 and not got.stdout, got)
    got = curl(place.url, *place.identity("expired"))
    check("curl with an expired certificate is refused", got.returncode != 0 and not got.stdout, got)
    got = curl(place.url, *place.identity("foreign"))
    check("curl with a foreign certificate is refused", got.returncode != 0 and not got.stdout, got)
    got = curl("--tls-max", "1.2", *place.identity(), place.url)
    check("curl with TLS 1.2 is refused", got.returncode != 0 and not got.stdout, got)


def test_unix(place):
    got = curl("--unix-socket", place.socket, "http://localhost/a")
    answer = json.loads(got.stdout) if got.returncode == 0 else {}
    check("curl on the Unix socket is known by its user", answer.get("uid") == os.getuid() and "peer" not in answer, got)
    got = curl("--unix-socket", place.socket, "--http2-prior-knowledge", "http://localhost/a")
    check("curl speaks HTTP/2 there", '"h2"' in got.stdout, got)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place.socket))
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(65536), b""))
    check("the kernel's process number is right", f'"pid":{os.getpid()},' in text.decode(), text)


def test_s_client(place):
    if not os.access(SYSTEM_OPENSSL, os.X_OK):
        return skip("openssl s_client", "not installed")
    text = place.s_client("-tls1_3")
    check("s_client is answered", "200 OK" in text and "spiffe://acme.test/client" in text, text)
    check("s_client gets no session ticket", "New Session Ticket" not in text and "Reused" not in text, text)
    text = place.s_client("-tls1_2")
    check("s_client with TLS 1.2 is refused", "200 OK" not in text and "alert protocol version" in text, text)
    text = place.s_client("-tls1_3", name=None)
    check("s_client without a certificate gets alert 116 after its handshake",
          "alert certificate required" in text and "Verify return code: 0 (ok)" in text and "200 OK" not in text, text)
    text = place.s_client("-tls1_3", name="expired")
    check("s_client with an expired certificate gets that alert", "alert certificate expired" in text, text)
    text = place.s_client("-tls1_3", name="foreign")
    check("s_client with a foreign certificate gets unknown ca", "alert unknown ca" in text, text)
    text = place.s_client("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
    check("s_client with ChaCha20", "200 OK" in text and "TLS_CHACHA20_POLY1305_SHA256" in text, text)
    text = place.s_client("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")
    check("s_client with a suite that isn't offered is refused", "alert handshake failure" in text, text)
    for group, good in (("X25519", True), ("P-256", True), ("P-521", False), ("X448", False)):
        text = place.s_client("-tls1_3", "-groups", group)
        check(f"s_client with {group} is {'answered' if good else 'refused'}", ("200 OK" in text) == good, text)


def test_python(place):
    context = place.context()
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("localhost", place.port)) as raw, \
            context.wrap_socket(raw, server_hostname="localhost") as client:
        check("Python's ssl speaks TLS 1.3", client.version() == "TLSv1.3" and
              client.selected_alpn_protocol() == "http/1.1", client.version())
        client.sendall(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % 0 + b"".join(
            b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(1, 300)))
        text = b""
        while text.count(b'"peer"') < 300:
            text += client.recv(65536)
        targets = [int(number) for number in re.findall(rb'"target":"/(\d+)"', text)]
        check("300 pipelined requests are answered in order", targets == list(range(300)), targets)
        check("each knows the connection's channel binding",
              len(set(re.findall(rb'"channel_binding":"([0-9a-f]{64})"', text))) == 1, text[:500])
        before = client.getpeercert(True)
        place.renew("renewed")
        place.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            with socket.create_connection(("localhost", place.port)) as other, \
                    context.wrap_socket(other, server_hostname="localhost") as later:
                after = later.getpeercert(True)
            if after != before:
                break
            time.sleep(0.05)
        check("a renewed certificate is shown to new connections", after != before)
        client.sendall(b"GET /still HTTP/1.1\r\nHost: h\r\n\r\n")
        check("and the old connection goes on", b"/still" in client.recv(65536))
    context = place.context()
    context.set_alpn_protocols(["ftp"])
    try:
        with socket.create_connection(("localhost", place.port)) as raw:
            context.wrap_socket(raw, server_hostname="localhost")
        check("a protocol nobody speaks is refused", False)
    except ssl.SSLError as error:
        check("a protocol nobody speaks is refused", "no application protocol" in str(error).lower().replace("_", " "), error)


def test_slowloris(place):
    started = time.monotonic()
    silent = [socket.create_connection(("localhost", place.port)) for _ in range(20)]
    context = place.context()
    half = context.wrap_socket(socket.create_connection(("localhost", place.port)), server_hostname="localhost")
    half.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nx: ")
    for client in (*silent, half):
        client.settimeout(20)
    check("clients that say nothing are hung up on", all(client.recv(1) == b"" for client in silent))
    text = half.recv(65536)
    check("a client that dawdles with its headers gets 408", b" 408 " in text, text)
    check("and both after the time that was set", 1 < time.monotonic() - started < 15)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def test_rapid_reset(place):
    context = place.context()
    context.set_alpn_protocols(["h2"])
    get = b"\x82\x87\x84\x41\x01h"
    with socket.create_connection(("localhost", place.port)) as raw, \
            context.wrap_socket(raw, server_hostname="localhost") as client:
        client.settimeout(20)
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        received = b""
        try:
            for start in range(1, 40001, 200):
                client.sendall(b"".join(frame(1, 5, stream, get) + frame(3, 0, stream, b"\0\0\0\x08")
                                        for stream in range(start, start + 200, 2)))
            while piece := client.recv(65536):
                received += piece
        except (ConnectionError, ssl.SSLError):
            while True:
                try:
                    piece = client.recv(65536)
                except (OSError, ssl.SSLError):
                    break
                if not piece:
                    break
                received += piece
    calm = any(received[at + 3] == 7 and received[at + 13:at + 17] == b"\0\0\0\x0b" for at in frames(received))
    check("20,000 requests cancelled at once end the connection", calm, received[-64:])
    got = curl(*place.identity(), place.url)
    check("and nobody else notices", got.returncode == 0, got)


def frames(text):
    at = 0
    while at + 9 <= len(text):
        yield at
        at += 9 + int.from_bytes(text[at:at + 3], "big")


def test_nghttp(place):
    if not shutil.which("nghttp"):
        return skip("nghttp", "not installed")
    got = run("nghttp", "--verbose", "--cert", place.folder / "client.pem", "--key", place.folder / "client-key.pem",
              f"{place.url}/trailers")
    check("nghttp is answered, with trailers", '"h2"' in got.stdout and "grpc-status: 0" in got.stdout, got)
    return None


def test_one_library(place):
    maps = pathlib.Path(f"/proc/{place.process.pid}/maps").read_text()
    for library in ("libcrypto", "libssl", "libnghttp2"):
        paths = {line.split()[-1] for line in maps.split("\n") if library in line}
        check(f"one {library} is mapped", len(paths) == 1, paths)


def test_drain(place):
    answers = []
    slow = threading.Thread(target=lambda: answers.append(curl("--http2", *place.identity(), f"{place.url}/slow")))
    slow.start()
    time.sleep(0.3)
    place.process.send_signal(signal.SIGTERM)
    slow.join()
    check("a drain lets the request that was begun finish", answers[0].returncode == 0 and "peer" in answers[0].stdout, answers)
    output, _ = place.process.communicate(timeout=30)
    check("the server ends well", place.process.returncode == 0 and " active 0 " in output, output)
    for reason in ("tls", "peer", "handshake-time", "header-time", "uri", "header", "body", "flood"):
        check(f"refusals are counted: {reason}", f"refused {reason} " in output, output)
    check("its socket is taken away", not place.socket.exists())


def main():
    with tempfile.TemporaryDirectory(prefix="cloister-net-") as folder:
        place = Place(pathlib.Path(folder))
        try:
            for test in (test_one_library, test_curl, test_curl_refused, test_unix, test_s_client, test_python,
                         test_slowloris, test_rapid_reset, test_nghttp, test_drain):
                test(place)
        finally:
            place.process.kill()
    print(results)
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

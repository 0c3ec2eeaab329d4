#!/usr/bin/env python3
"""What must be refused is refused, with a stable code and nothing of the inside, and the others are served meanwhile:
requests that aren't, tenants that aren't the caller's, strangers, slow clients, a used join token, a full disk."""
import datetime
import json
import resource
import socket
import ssl
import subprocess
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import service_lib

KEYS = "/v1/tenants/t-0/datasets/set/generate"


def expect_problem(answer, status, code):
    got, headers, body = answer
    assert (got, body.get("code")) == (status, code), f"{got} {body}, not {status} {code}"
    assert headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:cloister:problem:{code}" and body["status"] == status
    assert headers["request-id"] == body["request_id"]
    assert "keys" not in body
    for inside in ("src/", ".cc", "sqlite", "SQL", "/home", "errno"):
        assert inside not in json.dumps(body), body


def requests_that_are_none(client):
    deep = "[" * 200 + "]" * 200
    for raw in (f'{{"count":1,"x":{deep}}}', '{"count":1', "", "[]", "null", '{"count":1,"count":1}', '{"count":1}}',
                '{"count":1,"colour":2}', '{"count":-1}', '{"count":1e3}', '{"count":0}', '{"keys":[]}',
                '{"count":"\\ud800"}', '{"keys":[{"object":"AAAA"}],"count":1}'):
        answer = client.ask("POST", KEYS, raw=raw)
        expect_problem(answer, 400, answer[2]["code"])
        assert answer[2]["code"] in ("malformed-request", "invalid-request"), f"{raw[:40]}: {answer[2]}"
    expect_problem(client.ask("POST", KEYS, {"count": 1}, purpose=None), 400, "purpose-missing")
    expect_problem(client.ask("DELETE", KEYS), 405, "method-not-allowed")
    expect_problem(client.ask("GET", "/v1/nothing"), 404, "no-such-route")
    status, _, _ = client.ask("POST", KEYS, raw='{"keys":"' + "a" * (5 << 20) + '"}')
    assert status == 413, status
    assert client.ask("POST", KEYS, {"count": 1})[0] == 200


def tenants_that_are_not_the_callers(client):
    answers = []
    for tenant in ("initech", "nobody"):
        for path in ("datasets/mail/generate", "datasets/mail/unwrap", "datasets/none/generate"):
            body = {"count": 1} if path.endswith("generate") else {
                "keys": [{"object": "AAAA", "version": 1, "wrapped": "AAAA"}]}
            answer = client.ask("POST", f"/v1/tenants/{tenant}/{path}", body)
            expect_problem(answer, 403, "refused")
            answers.append(answer[2]["detail"].replace(tenant, "TENANT"))
    assert answers[:3] == answers[3:], f"who isn't there reads differently: {answers}"


def certificate_of_a_stranger(file):
    """Made out to the same SPIFFE ID by an authority of its own."""
    identity = json.loads(file.read_text())
    leaf = x509.load_pem_x509_certificate(identity["svid"].encode())
    key, authority = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(leaf.issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    now = datetime.datetime.utcnow()
    builder = builder.not_valid_before(now - datetime.timedelta(minutes=5))
    builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
    for extension in leaf.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    certificate = builder.sign(authority, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (pem + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def expect_no_answer(client):
    try:
        status, _, body = client.ask("POST", KEYS, {"count": 1}, purpose="train")
    except service_lib.Unreachable:
        return
    raise AssertionError(f"a stranger was answered: {status} {body}")


def strangers(service, file):
    good = service.worker(file)
    assert good.ask("POST", KEYS, {"count": 1}, purpose="train")[0] == 200
    expect_problem(good.ask("POST", KEYS, {"count": 1}, purpose="export"), 403, "refused")
    expect_no_answer(service.worker(file, certificate=certificate_of_a_stranger(file)))
    without = service_lib.tls_context(file)
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.verify_mode = ssl.CERT_NONE
    old = service_lib.tls_context(file)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for name, context in (("no certificate", bare), ("TLS 1.2", old)):
        try:
            with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as tls:
                    tls.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                    assert tls.recv(1) == b"", f"{name}: answered"
        except OSError:
            pass
    # Nobody's certificate is asked for where first ones are given, and nothing else is answered there.
    with socket.create_connection(("127.0.0.1", service.enroll_port), timeout=20) as raw:
        with without.wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall((f"POST {KEYS} HTTP/1.1\r\nhost: x\r\ncloister-purpose: train\r\n"
                         'content-type: application/json\r\ncontent-length: 11\r\n\r\n{"count":1}').encode())
            answer = tls.recv(4096)
            assert answer.split(b" ")[1] == b"401", answer


def slow_clients(service, client):
    slow = []
    for _ in range(100):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(service.socket)
        connection.sendall(b"POST /v1/random HTTP/1.1\r\nx: ")
        slow.append(connection)
    before = time.monotonic()
    assert client.ask("POST", KEYS, {"count": 1})[0] == 200
    assert time.monotonic() - before < 5
    slow[0].settimeout(30)
    answer = slow[0].recv(4096)
    assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0] + b" ", answer[:60]
    for connection in slow:
        connection.close()


def used_join_token(service):
    service.enroll("workers/one")
    token = service.work / "workers-one.token"
    again = service.cloister("enroll", service.work / "again.service", "--service", f"127.0.0.1:{service.port}",
                             "--server", service_lib.SERVER, "--unix", service.socket, "--token-file", token,
                             check=False, home=False)
    assert again.returncode == 4 and "used" in again.stderr, again.stderr
    assert not (service.work / "again.service").exists()


def full_disk(service, client):
    """As a limit on the size of files: what can't be recorded isn't done, and is done again when there is room."""
    assert client.ask("POST", KEYS, {"count": 1})[0] == 200
    sizes = [path.stat().st_size for path in service.home.glob("keys.db*")]
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (min(sizes) // 2, resource.RLIM_INFINITY))
    for _ in range(3):
        status, _, body = client.ask("POST", KEYS, {"count": 1})
        assert status == 503 and body["code"] in ("audit-unavailable", "store-unavailable"), f"{status} {body}"
        assert "keys" not in body
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for _ in range(200):
        status, _, body = client.ask("POST", KEYS, {"count": 1})
        if status == 200:
            return
        time.sleep(0.1)
    raise AssertionError(f"there is room again, and still: {status} {body}")


def main():
    with service_lib.place() as folder:
        work = folder / "work"
        work.mkdir(mode=0o700)
        service = service_lib.Service(work)
        for name in ("t-0/set", "initech/mail"):
            service.cloister("tenant", "create", name.split("/")[0])
            service.cloister("dataset", "create", name)
        service.start()
        try:
            client = service.operator()
            requests_that_are_none(client)
            tenants_that_are_not_the_callers(client)
            strangers(service, service.enroll("workers/trainer"))
            slow_clients(service, service.operator())
            used_join_token(service)
            full_disk(service, service.operator())
            service.stop()
            service.cloister("audit", "verify")
        finally:
            if service.process.poll() is None:
                service.kill()
    print("every one of them refused, everybody else served")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed.cmd}: {failed.stderr}")

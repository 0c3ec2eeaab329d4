#!/usr/bin/env python3
"""What `cloister paths capture` sees in a capture, beside what tshark sees in it.

Traffic of many kinds over loopback, in a network namespace of its own, recorded by dumpcap. Both programs read the same
file; for each server's port they must say the same: which protocol, and of TLS version, suite and server name.
"""
import fcntl
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

INSIDE = "CLOISTER_CAPTURE_NAMESPACE"


def enter_namespace():
    """Runs this script again in a network namespace of its own, where nobody else's packets are."""
    if os.environ.get(INSIDE):
        return
    command = ["unshare", "--net", "--map-root-user", "true"]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        print("skipped: the system allows no network namespaces")
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--map-root-user", sys.executable, *sys.argv])


enter_namespace()

from lib import interop  # noqa: E402


def raise_loopback():
    set_flags, up = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))


class Server:
    """Answers one connection after the other with `serve(connection)`, on a port that the system chose."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                try:
                    self.serve(connection)
                except (OSError, ssl.SSLError):
                    pass


def certificate(folder):
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:serving.example"], check=True, capture_output=True,
                   env={**os.environ, "LD_LIBRARY_PATH": ""})
    return key, chain


def server_context(files, version, ask=ssl.CERT_NONE):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(files[1], files[0])
    context.load_verify_locations(files[1])
    context.verify_mode = ask
    return context


def client_context(files, shows=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files[1])
    if shows:
        context.load_cert_chain(files[1], files[0])
    return context


def tls_answer(context):
    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(wrapped.recv(4096))
    return serve


def plain_answer(answer):
    def serve(connection):
        connection.recv(4096)
        connection.sendall(answer)
    return serve


def postgres_tls(context):
    inner = tls_answer(context)

    def serve(connection):
        connection.recv(8)
        connection.sendall(b"S")
        inner(connection)
    return serve


def talk_tls(port, context, before=b""):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        if before:
            plain.sendall(before)
            plain.recv(1)
        with context.wrap_socket(plain, server_hostname="serving.example") as wrapped:
            wrapped.sendall(b"x" * 3000)
            received = 0
            while received < 3000:
                part = wrapped.recv(4096)
                if not part:
                    break
                received += len(part)


def talk_plain(port, bytes_out):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(bytes_out)
        try:
            while plain.recv(4096):
                pass
        except ConnectionError:
            pass


def send_datagram(bytes_out):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        sender.sendto(bytes_out, ("127.0.0.1", port))
        receiver.recv(2048)
    return port


def make_traffic(files):
    """For each kind the port of its server."""
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    zmtp = b"\xff" + bytes(8) + b"\x7f\x03\x00"
    ports = {}

    def over_tls(name, context, shows=False, serve=None, before=b""):
        server = Server((serve or tls_answer)(context))
        ports[name] = server.port
        talk_tls(server.port, client_context(files, shows), before)

    def in_the_clear(name, sent, answer):
        server = Server(plain_answer(answer))
        ports[name] = server.port
        talk_plain(server.port, sent)

    over_tls("tls 1.3", server_context(files, v13))
    over_tls("tls 1.2", server_context(files, v12))
    over_tls("tls 1.2 with a client certificate", server_context(files, v12, ssl.CERT_REQUIRED), shows=True)
    over_tls("postgresql that turns to tls", server_context(files, v13), serve=postgres_tls,
             before=bytes.fromhex("0000000804d2162f"))
    in_the_clear("http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    in_the_clear("h2c", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
                 bytes.fromhex("000000040000000000"))
    in_the_clear("redis", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n")
    in_the_clear("postgresql", (41).to_bytes(4, "big") + bytes.fromhex("00030000") + b"user\0postgres\0database\0postgres\0\0"[:33],
                 b"R\0\0\0\x08\0\0\0\0")
    in_the_clear("zmtp without encryption", zmtp + b"NULL".ljust(20, b"\0") + bytes(32), zmtp + b"NULL".ljust(20, b"\0") + bytes(32))
    in_the_clear("zmtp with curve", zmtp + b"CURVE".ljust(20, b"\0") + bytes(32), zmtp + b"CURVE".ljust(20, b"\0") + bytes(32))
    in_the_clear("ssh", b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n")
    in_the_clear("nothing known", bytes(range(200, 240)) * 4, bytes(range(100, 160)))
    refusing = Server(tls_answer(server_context(files, v13)))
    ports["http to a tls port"] = refusing.port
    talk_plain(refusing.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    ports["wireguard"] = send_datagram(b"\x01\0\0\0" + bytes(range(144)))
    return ports


# What each of ours is to be: kind, protocol; of TLS the version and whether the client's certificate was seen.
EXPECTED = {
    "tls 1.3": ("encrypted", "tls", 0x0304, "unknown"),
    "tls 1.2": ("encrypted", "tls", 0x0303, "not-shown"),
    "tls 1.2 with a client certificate": ("encrypted", "tls", 0x0303, "shown"),
    "postgresql that turns to tls": ("encrypted", "postgresql", 0x0304, "unknown"),
    "http": ("plaintext", "http/1"),
    "h2c": ("plaintext", "h2c"),
    "redis": ("plaintext", "redis"),
    "postgresql": ("plaintext", "postgresql"),
    "zmtp without encryption": ("plaintext", "zmtp-null"),
    "zmtp with curve": ("encrypted", "zmtp-curve"),
    "ssh": ("encrypted", "ssh"),
    "nothing known": ("unrecognised", ""),
    "http to a tls port": ("refused", "http/1"),
    "wireguard": ("encrypted", "wireguard"),
}
TLS_KINDS = [name for name, expected in EXPECTED.items() if len(expected) == 4]


def record(run, files):
    # dumpcap may not write where only its old user may.
    target = run.folder / "traffic.pcapng"
    with subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-w", target], stderr=subprocess.PIPE, text=True) as dumpcap:
        for line in dumpcap.stderr:
            if line.startswith("File:"):
                break
        ports = make_traffic(files)
        # The last packets are there when the file stands still.
        size, still = -1, 0
        while still < 5:
            now = target.stat().st_size
            still = still + 1 if now == size and now > 10_000 else 0
            size = now
            time.sleep(0.2)
        dumpcap.terminate()
        dumpcap.wait()
    return target, ports


def ours(path):
    answer = subprocess.run([os.environ["CLOISTER"], "paths", "capture", path], check=True, capture_output=True, text=True)
    return {flow["port"]: flow for flow in json.loads(answer.stdout)["flows"]}


def theirs(path, ports):
    """By server port: the protocols of its packets, and what the ServerHello and ClientHello say."""
    # tshark decides by port or by content; for ports the system chose it needs to be told what isn't TLS or HTTP.
    decode = []
    for name, protocol in (("redis", "resp"), ("postgresql", "pgsql"), ("ssh", "ssh"), ("http", "http"), ("h2c", "http"),
                           ("postgresql that turns to tls", "pgsql"), ("tls 1.3", "tls"), ("tls 1.2", "tls"),
                           ("tls 1.2 with a client certificate", "tls")):
        decode += ["-d", f"tcp.port=={ports[name]},{protocol}"]
    fields = ["tcp.srcport", "tcp.dstport", "udp.dstport", "frame.protocols", "tls.handshake.type", "tls.handshake.ciphersuite",
              "tls.handshake.extensions_server_name", "tls.handshake.extensions.supported_version", "tls.handshake.version"]
    command = ["tshark", "-r", path, "-T", "fields", "-E", "separator=|", *decode]
    for field in fields:
        command += ["-e", field]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seen = {}
    for line in text.splitlines():
        source, target, datagram, protocols, types, suites, name, versions, version = line.split("|")
        port = next((int(port) for port in (source, target, datagram) if port and int(port) in ports.values()), None)
        if port is None:
            continue
        entry = seen.setdefault(port, {"protocols": set()})
        entry["protocols"].update(protocols.split(":"))
        if "2" in types.split(","):
            entry["suite"] = int(suites.split(",")[0], 0)
            entry["version"] = int((versions or version).split(",")[0], 0)
        if name:
            entry["name"] = name
    return seen


THEIR_NAMES = {"h2c": "http2", "redis": "resp", "postgresql": "pgsql", "ssh": "ssh", "http": "http", "wireguard": "wg"}


def compare(row, ports, mine, tshark):
    for name, expected in EXPECTED.items():
        flow = mine.get(ports[name], {})
        found = tuple(flow.get(key) for key in ("kind", "protocol", "tls_version", "client_proof"))[:len(expected)]
        row.check(f"{name}: what it is", found == expected, f"{flow}")
    for name in TLS_KINDS:
        flow, other = mine.get(ports[name], {}), tshark.get(ports[name], {})
        mine_says = (flow.get("tls_version"), flow.get("suite"), flow.get("server_name"))
        row.check(f"{name}: version, suite and server name", mine_says == tuple(other.get(key) for key in ("version", "suite", "name")),
                  f"{mine_says} {other}")
    for name, protocol in THEIR_NAMES.items():
        protocols = tshark.get(ports[name], {}).get("protocols", set())
        row.check(f"{name}: protocol", protocol in protocols, f"tshark says {sorted(protocols)}")


def without_time(flows):
    return {port: {key: value for key, value in flow.items() if key not in ("begin", "end")} for port, flow in flows.items()}


def other_forms(run, row, path, ports, mine):
    old = run.folder / "traffic.pcap"
    subprocess.run(["editcap", "-F", "pcap", path, old], check=True)
    row.check("the same from pcap", without_time(ours(old)) == without_time(mine))
    cut = run.folder / "cut.pcapng"
    subprocess.run(["editcap", "-s", "70", path, cut], check=True)
    wrong = [flow for flow in ours(cut).values() if flow["kind"] == "encrypted" and flow["carrier"] == "tcp"]
    row.check("packets cut short prove nothing", not wrong, f"{wrong}")
    # A connection that began before: only its records are there.
    middle = run.folder / "middle.pcapng"
    port = ports["tls 1.3"]
    subprocess.run(["tshark", "-r", path, "-Y", f"tcp.port=={port} && tls.app_data && !tls.handshake", "-w", middle], check=True,
                   capture_output=True)
    flow = next(iter(ours(middle).values()), {})
    row.check("records in the middle of a connection are TLS", (flow.get("kind"), flow.get("protocol")) == ("encrypted", "tls"), f"{flow}")


def main():
    raise_loopback()
    run = interop.Run("capture_oracle")
    for program, package in (("tshark", "tshark"), ("dumpcap", "wireshark-common"), ("editcap", "wireshark-common")):
        run.debian(program, package)
    version = re.search(r"\d+\.\d+\.\d+", subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout)
    files = certificate(pathlib.Path(run.folder))
    os.chmod(run.folder, 0o777)
    with run.row("provider", "capture classifier", against="tshark", version=version.group()) as row:
        path, ports = record(run, files)
        mine = ours(path)
        compare(row, ports, mine, theirs(path, ports))
        other_forms(run, row, path, ports, mine)
    run.finish()


if __name__ == "__main__":
    main()

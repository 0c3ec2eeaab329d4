#!/usr/bin/env python3
"""The relay beside other proxies, each as a pair over loopback: client -> plain -> proxy -> mutual TLS 1.3 -> proxy -> plain -> server.

One thread for each proxy, TLS_AES_256_GCM_SHA384, certificates on P-256, both ends verified, every connection a full
handshake unless a row says otherwise. Measured is processor time of both proxies (user and system), because other load
on the machine moves it less than rates: seconds for each gigabyte of one stream (iperf3), microseconds for each request
of 1 KB on one connection (wrk), milliseconds for each new connection (wrk, Connection: close), and memory for each idle
connection. Rounds go through all pairs in turn; the median counts.
  CLOISTER=build/dev/apps/cloister bench/relay.py [PAIR...]
BENCH_SECONDS, BENCH_ROUNDS, BENCH_CONNECTIONS; OPENSSL_LIBRARY: our OpenSSL's folder, which pairs named "+ours" run
with; ENVOY: the program."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib.processes import free_port, dies_with_its_parent  # noqa: E402 (the folder is known only now)

RELAY = pathlib.Path(os.environ.get("CLOISTER", SOURCE / "build/dev/apps/cloister")).parent / "cloister-relay"
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "1000"))
LIBRARY = os.environ.get("OPENSSL_LIBRARY", str(SOURCE / ".deps/openssl/lib"))
SUITE = "TLS_AES_256_GCM_SHA384"
TICK = os.sysconf("SC_CLK_TCK")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificates(folder):
    ca = folder / "ca.pem"
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", ca, "-days", 2, "-subj", "/CN=bench",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-addext", "subjectAltName=URI:spiffe://bench.test")
    for name in ("client", "server"):
        extensions = folder / f"{name}.ext"
        extensions.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=serverAuth,clientAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
                              f"subjectAltName=URI:spiffe://bench.test/{name},DNS:localhost\n")
        openssl("req", *key, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", ca, "-CAkey", folder / "ca.key", "-CAcreateserial",
                "-days", 1, "-extfile", extensions, "-out", folder / f"{name}.pem")
        both = (folder / f"{name}.pem").read_text() + (folder / f"{name}.key").read_text()
        (folder / f"{name}-both.pem").write_text(both)
        for secret in (f"{name}.key", f"{name}-both.pem"):
            (folder / secret).chmod(0o600)


# Each: the two commands, for these ports, with its files in the folder. `groups` is "X25519" or the hybrid one.

def cloister(folder, ports, groups, _reuse):
    exchange = "classical" if groups == "X25519" else "hybrid-required"
    for name, other, table in (("client", "server", f'[[outbound]]\nlisten = "127.0.0.1:{ports["client"]}"\n'
                                f'target = "127.0.0.1:{ports["server"]}"\nexpect'),
                               ("server", "client", f'[[inbound]]\nlisten = "127.0.0.1:{ports["server"]}"\n'
                                f'workload = "127.0.0.1:{ports["backend"]}"\nallow')):
        (folder / f"cloister-{name}.toml").write_text(
            f'[identity]\ncertificate = "{folder}/{name}.pem"\nkey = "{folder}/{name}.key"\nbundle = "{folder}/ca.pem"\n'
            '[relay]\nthreads = 1\n[limits]\nconnections = 100000\nconnections_per_address = 100000\n'
            'connections_per_peer = 100000\n[log]\nlevel = "warning"\n'
            f'{table} = "spiffe://bench.test/{other}"\nname = "bench"\nkey_exchange = "{exchange}"\n')
    return [[RELAY, "--config", folder / f"cloister-{name}.toml"] for name in ("server", "client")]


def haproxy(folder, ports, groups, reuse):
    common = ("global\n  nbthread 1\n  maxconn 8000\n  tune.ssl.default-dh-param 2048\ndefaults\n  mode tcp\n  timeout connect 5s\n"
              "  timeout client 1h\n  timeout server 1h\n")
    off = "" if reuse else " no-tls-tickets"
    (folder / "haproxy-client.cfg").write_text(
        f"{common}listen c\n  bind 127.0.0.1:{ports['client']}\n  server s 127.0.0.1:{ports['server']} ssl crt {folder}/client-both.pem"
        f" ca-file {folder}/ca.pem verify required ssl-min-ver TLSv1.3 ciphersuites {SUITE}{off}{'' if reuse else ' no-ssl-reuse'}\n")
    (folder / "haproxy-server.cfg").write_text(
        f"{common}listen s\n  bind 127.0.0.1:{ports['server']} ssl crt {folder}/server-both.pem ca-file {folder}/ca.pem"
        f" verify required ssl-min-ver TLSv1.3 ciphersuites {SUITE} curves {groups}{off}\n  server w 127.0.0.1:{ports['backend']}\n")
    return [["haproxy", "-q", "-db", "-f", folder / f"haproxy-{name}.cfg"] for name in ("server", "client")]


def nginx(folder, ports, groups, reuse):
    def write(name, body):
        (folder / f"nginx-{name}.conf").write_text(
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nuser root;\n"
            f"daemon off; worker_processes 1; pid {folder}/nginx-{name}.pid; error_log {folder}/nginx-{name}.log;\n"
            "events { worker_connections 50000; }\nstream { proxy_timeout 1h; tcp_nodelay on; server {" + body + "} }\n")
    write("client", f"listen 127.0.0.1:{ports['client']}; proxy_pass 127.0.0.1:{ports['server']}; proxy_ssl on;"
          f"proxy_ssl_certificate {folder}/client.pem; proxy_ssl_certificate_key {folder}/client.key;"
          f"proxy_ssl_trusted_certificate {folder}/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost;"
          f"proxy_ssl_protocols TLSv1.3; proxy_ssl_session_reuse {'on' if reuse else 'off'};")
    write("server", f"listen 127.0.0.1:{ports['server']} ssl; proxy_pass 127.0.0.1:{ports['backend']};"
          f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_client_certificate {folder}/ca.pem;"
          f"ssl_verify_client on; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {SUITE}; ssl_ecdh_curve {groups};"
          f"ssl_session_tickets {'on' if reuse else 'off'};")
    return [["nginx", "-p", folder, "-c", folder / f"nginx-{name}.conf"] for name in ("server", "client")]


def stunnel(folder, ports, groups, reuse):
    for name, body in (("client", f"client = yes\naccept = 127.0.0.1:{ports['client']}\nconnect = 127.0.0.1:{ports['server']}\n"),
                       ("server", f"accept = 127.0.0.1:{ports['server']}\nconnect = 127.0.0.1:{ports['backend']}\n")):
        (folder / f"stunnel-{name}.conf").write_text(
            f"foreground = yes\npid =\nsyslog = no\ndebug = 3\noutput = {folder}/stunnel-{name}.log\nsocket = l:TCP_NODELAY=1\n"
            f"socket = r:TCP_NODELAY=1\n[{name}]\n{body}cert = {folder}/{name}.pem\nkey = {folder}/{name}.key\n"
            f"CAfile = {folder}/ca.pem\nverifyChain = yes\nsslVersion = TLSv1.3\nciphersuites = {SUITE}\ncurves = {groups}\n"
            + ("" if reuse else "options = NO_TICKET\nsessionCacheSize = 1\nsessionCacheTimeout = 1\n"))
    return [["stunnel", folder / f"stunnel-{name}.conf"] for name in ("server", "client")]


def envoy(folder, ports, groups, _reuse):
    types = "type.googleapis.com/envoy.extensions"

    def common(name):
        return {"tls_certificates": [{"certificate_chain": {"filename": f"{folder}/{name}.pem"},
                                      "private_key": {"filename": f"{folder}/{name}.key"}}],
                "validation_context": {"trusted_ca": {"filename": f"{folder}/ca.pem"}},
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3",
                               "ecdh_curves": [groups]}}
    for name, listen, to in (("client", "client", "server"), ("server", "server", "backend")):
        chain = {"filters": [{"name": "tcp", "typed_config": {
            "@type": f"{types}.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "x", "cluster": "x", "idle_timeout": "0s"}}]}
        cluster = {"name": "x", "type": "STATIC", "connect_timeout": "5s",
                   "circuit_breakers": {"thresholds": [{"max_connections": 100000, "max_pending_requests": 100000}]},
                   "load_assignment": {"cluster_name": "x", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                       "socket_address": {"address": "127.0.0.1", "port_value": ports[to]}}}}]}]}}
        if name == "client":
            cluster["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": f"{types}.transport_sockets.tls.v3.UpstreamTlsContext", "common_tls_context": common(name),
                "max_session_keys": 0}}
        else:
            chain["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": common(name),
                "require_client_certificate": True, "disable_stateless_session_resumption": True}}
        (folder / f"envoy-{name}.json").write_text(json.dumps({"static_resources": {
            "listeners": [{"name": "x", "address": {"socket_address": {"address": "127.0.0.1", "port_value": ports[listen]}},
                           "filter_chains": [chain]}], "clusters": [cluster]}}))
    program = os.environ.get("ENVOY", "envoy")
    return [[program, "-l", "error", "--concurrency", "1", "--disable-hot-restart", "--base-id", str(index), "-c",
             folder / f"envoy-{name}.json"] for index, name in enumerate(("server", "client"))]


HYBRID, CLASSICAL = "X25519MLKEM768", "X25519"
# name: (commands, groups, sessions resumed, with our OpenSSL)
PAIRS = {
    "cloister": (cloister, HYBRID, False, False),
    "cloister classical": (cloister, CLASSICAL, False, False),
    "haproxy": (haproxy, CLASSICAL, False, False),
    "haproxy+ours": (haproxy, HYBRID, False, True),
    "nginx": (nginx, CLASSICAL, False, False),
    "nginx+ours": (nginx, HYBRID, False, True),
    "stunnel": (stunnel, CLASSICAL, False, False),
    "stunnel+ours": (stunnel, HYBRID, False, True),
    "envoy": (envoy, HYBRID, False, False),
    "envoy classical": (envoy, CLASSICAL, False, False),
    "haproxy resumed": (haproxy, CLASSICAL, True, False),
    "nginx resumed": (nginx, CLASSICAL, True, False),
}


def wait_for(port, processes):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        for process in processes:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args[0]} ended: {process.returncode}")
        time.sleep(0.05)
    raise RuntimeError("a proxy doesn't start")


@contextlib.contextmanager
def running(*commands, environment=None, ports):
    processes = []
    try:
        for command in commands:
            processes.append(subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
                                              preexec_fn=dies_with_its_parent))
        for port in ports:
            wait_for(port, processes)
        yield processes
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def members(processes):
    """Those and their children: all that are in the sessions which they began."""
    leaders = {process.pid for process in processes}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) in leaders:
                    yield entry, fields


def cpu_seconds(processes):
    return sum(int(fields[11]) + int(fields[12]) for _, fields in members(processes)) / TICK


def memory_bytes(processes):
    return sum(int(re.search(r"Pss:\s+(\d+)", (entry / "smaps_rollup").read_text())[1]) * 1024 for entry, _ in members(processes))


def bulk(port, processes):
    """Processor seconds for a gigabyte, and gigabits a second."""
    # The server takes one client at a time, and may still be busy with the connection that found out if all is ready.
    for _ in range(10):
        before = cpu_seconds(processes)
        text = subprocess.run(["iperf3", "-c", "127.0.0.1", "-p", str(port), "-t", str(int(SECONDS) or 1), "--json"],
                              check=False, capture_output=True, text=True).stdout
        used = cpu_seconds(processes) - before
        report = json.loads(text)
        if "sum_received" in report.get("end", {}):
            break
        time.sleep(1)
    else:
        raise RuntimeError(f"iperf3: {report.get('error')}")
    end = report["end"]["sum_received"]
    return {"cpu_s_per_gb": used / (end["bytes"] / 1e9), "gbit_s": end["bits_per_second"] / 1e9}


def wrk(port, processes, connections, *more):
    before = cpu_seconds(processes)
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{int(SECONDS) or 1}s", "--latency", *more,
                           f"http://127.0.0.1:{port}/1k"], check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(processes) - before
    if "Non-2xx" in text:
        raise RuntimeError(text)

    def latency(percent):
        number, unit = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)", text, re.MULTILINE).groups()
        return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    count = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    return {"cpu_s": used / count, "rate": rate, "p50_us": latency(50), "p99_us": latency(99)}


def idle(port, processes):
    """Bytes of memory for each connection and proxy, once all of them stand and nothing moves."""
    before = memory_bytes(processes)
    sockets = []
    request = b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(CONNECTIONS):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(request)
        sockets.append(one)
    for one in sockets:
        one.settimeout(30)
        got = b""
        while not got.endswith(b"z" * 1024):
            got += one.recv(65536)
    time.sleep(1)
    return (memory_bytes(processes) - before) / CONNECTIONS / 2


def measure(name, folder, backends):
    make, groups, reuse, ours = PAIRS[name]
    environment = {**os.environ, "LD_LIBRARY_PATH": LIBRARY} if ours else None
    figures = {}
    for kind, backend in backends.items():
        ports = {"client": free_port(), "server": free_port(), "backend": backend}
        with running(*make(folder, ports, groups, reuse), environment=environment, ports=(ports["server"], ports["client"])) as processes:
            time.sleep(0.3)
            if kind == "iperf3":
                figures.update(bulk(ports["client"], processes))
                continue
            kept = wrk(ports["client"], processes, 1)
            figures.update(cpu_us_per_request=kept["cpu_s"] * 1e6, p50_us=kept["p50_us"], p99_us=kept["p99_us"])
            new = wrk(ports["client"], processes, 8, "-H", "Connection: close")
            figures.update(cpu_ms_per_connection=new["cpu_s"] * 1e3, connections_s=new["rate"])
            figures["idle_bytes"] = idle(ports["client"], processes)
    return figures


COLUMNS = [("cpu_s_per_gb", "CPU s/GB", "{:.2f}"), ("gbit_s", "Gbit/s", "{:.1f}"), ("cpu_us_per_request", "CPU us/request", "{:.0f}"),
           ("p50_us", "p50 us", "{:.0f}"), ("p99_us", "p99 us", "{:.0f}"), ("cpu_ms_per_connection", "CPU ms/connection", "{:.2f}"),
           ("connections_s", "connections/s", "{:.0f}"), ("idle_bytes", "idle bytes", "{:.0f}")]


def available(name):
    program = {"cloister": RELAY, "haproxy": "haproxy", "nginx": "nginx", "stunnel": "stunnel",
               "envoy": os.environ.get("ENVOY", "envoy")}[re.split(r"[ +]", name)[0]]
    if shutil.which(str(program)) is None:
        return False
    return not PAIRS[name][3] or pathlib.Path(LIBRARY).is_dir()


def main():
    names = [name for name in (sys.argv[1:] or PAIRS) if available(name)]
    for program in ("iperf3", "wrk", "nginx"):
        if shutil.which(program) is None:
            sys.exit(f"relay: {program} is missing")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        make_certificates(folder)
        (folder / "1k").write_text("z" * 1024)
        backends = {"iperf3": free_port(), "http": free_port()}
        (folder / "backend.conf").write_text(
            f"daemon off; worker_processes 1; user root; pid {folder}/b.pid; error_log {folder}/b.log; events {{ worker_connections 50000; }}\n"
            f"http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; client_body_temp_path {folder}/t1;"
            f"proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;"
            f"server {{ listen 127.0.0.1:{backends['http']} backlog=4096; root {folder}; }} }}\n")
        results = {one: [] for one in names}
        with running(["nginx", "-p", folder, "-c", folder / "backend.conf"], ports=(backends["http"],)), \
                running(["iperf3", "-s", "-p", backends["iperf3"]], ports=(backends["iperf3"],)):
            for turn in range(ROUNDS):
                for one in names:
                    try:
                        results[one].append(measure(one, folder, backends))
                    except (RuntimeError, subprocess.CalledProcessError, OSError) as error:
                        print(f"relay: {one}: {error}", file=sys.stderr)
                    print(f"round {turn + 1}: {one}", file=sys.stderr, flush=True)
        print_table({one: rows for one, rows in results.items() if rows})


def print_table(results):
    medians = {one: {key: statistics.median(row[key] for row in rows) for key, _, _ in COLUMNS} for one, rows in results.items()}
    print(f"{'pair':<20}" + "".join(f"{title:>19}" for _, title, _ in COLUMNS))
    for one, row in medians.items():
        print(f"{one:<20}" + "".join(f"{form.format(row[key]):>19}" for key, _, form in COLUMNS))
    others = {one: row for one, row in medians.items() if not one.startswith("cloister") and not one.endswith("resumed")}
    if "cloister" not in medians or not others:
        return
    for key, title, _ in COLUMNS:
        better = max if key in ("gbit_s", "connections_s") else min
        best = better(others, key=lambda one: others[one][key])
        print(f"{title}: {medians['cloister'][key] / others[best][key]:.2f} of the best other, {best}")


if __name__ == "__main__":
    main()

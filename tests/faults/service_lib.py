"""A key service of its own for a test: home, policy, daemon; and a client made of Python's own HTTP and TLS."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

CLOISTER = os.environ["CLOISTER"]
CLOISTERD = os.environ.get("CLOISTERD", os.path.join(os.path.dirname(CLOISTER), "cloisterd"))
DOMAIN = "faults.example"
SERVER = f"spiffe://{DOMAIN}/cloister/keys"
POLICY = f"""version = 1
id = "faults-1"
not_after = "never"

[[allow]]
name = "the operator, everything but initech"
caller = "spiffe://{DOMAIN}/operators/root"
operation = "any"
tenant = "t-*"
environment = "any"
dataset = "any"
purpose = "any"

[[allow]]
name = "the operator makes tenants and enrols"
caller = "spiffe://{DOMAIN}/operators/root"
operation = "identity.enroll"
tenant = ["workers"]
environment = "any"
purpose = "operate"

[[allow]]
name = "workers use keys"
caller = "spiffe://{DOMAIN}/workers/*"
operation = ["dataset.show", "generate", "wrap", "unwrap", "rewrap"]
tenant = "t-*"
environment = "any"
dataset = "any"
purpose = "train"

[[quota]]
tenant = "any"
requests_per_second = 100000
burst = 100000
keys_per_batch = 1000
"""


class Unreachable(Exception):
    """No answer: the request may have been done or not."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """Over the Unix socket, or mutual TLS with a service file. One thread at a time; connects again by itself."""

    def __init__(self, make_connection):
        self.make_connection = make_connection
        self.connection = None

    def ask(self, method, path, body=None, purpose="operate", key=None, raw=None):
        """Status, headers in lower case, the decoded body."""
        headers = {"cloister-purpose": purpose} if purpose else {}
        if key:
            headers["idempotency-key"] = key
        payload = raw
        if body is not None:
            payload = json.dumps(body)
        if payload is not None:
            headers["content-type"] = "application/json"
        try:
            if self.connection is None:
                self.connection = self.make_connection()
            self.connection.request(method, path, payload, headers)
            response = self.connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(str(error)) from error
        kind = response.getheader("content-type", "")
        decoded = json.loads(data) if data and "json" in kind else data.decode()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, decoded

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Service:
    def __init__(self, work, store=(), settings=""):
        self.work = pathlib.Path(work)
        self.home = self.work / "home"
        self.socket = str(self.work / "keys.sock")
        self.process = None
        self.port = free_port()
        self.enroll_port = free_port()
        self.log = self.work / "log"
        self.cloister("init", *store)
        (self.work / "policy.toml").write_text(POLICY)
        self.configure(settings)

    def configure(self, settings="", name="cloisterd.toml", ports=None, unix=None):
        tls, enroll = ports or (self.port, self.enroll_port)
        path = self.work / name
        path.write_text(f"""home = "{self.home}"
trust_domain = "{DOMAIN}"
[listen]
tls = "127.0.0.1:{tls}"
enroll = "127.0.0.1:{enroll}"
unix = "{unix or self.socket}"
[policy]
file = "{self.work}/policy.toml"
[[unix_user]]
uid = {os.getuid()}
id = "spiffe://{DOMAIN}/operators/root"
{settings}""")
        path.chmod(0o600)
        return path

    def cloister(self, *arguments, check=True, home=True):
        command = [CLOISTER, *(["--home", str(self.home)] if home else []), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert not check or result.returncode == 0, f"{command}: {result.returncode}: {result.stderr}"
        return result

    def start(self, config="cloisterd.toml", preload=None):
        """A file-size limit set later must be an error to the daemon, not its end."""
        environment = dict(os.environ, LD_PRELOAD=preload) if preload else None
        self.process = subprocess.Popen([CLOISTERD, "--config", str(self.work / config)], stderr=open(self.log, "ab"),
                                        env=environment, preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        self.await_ready()
        return self.process

    def await_ready(self, path=None):
        client = self.operator(path)
        for _ in range(600):
            assert self.process.poll() is None, f"cloisterd ended with {self.process.returncode}: {self.tail()}"
            with contextlib.suppress(Unreachable):
                if client.ask("GET", "/readyz", purpose=None)[0] == 200:
                    client.close()
                    return
            time.sleep(0.05)
        raise AssertionError(f"cloisterd doesn't become ready: {self.tail()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, f"cloisterd ended with {self.process.returncode}: {self.tail()}"

    def tail(self):
        return self.log.read_text()[-2000:] if self.log.exists() else ""

    def operator(self, path=None):
        return unix_client(path or self.socket)

    def enroll(self, name, *more):
        """A service file for spiffe://DOMAIN/NAME, by a join token over the Unix socket."""
        token = self.work / f"{name.replace('/', '-')}.token"
        made = subprocess.run([CLOISTERD, "--config", str(self.work / "cloisterd.toml"), "token",
                               f"spiffe://{DOMAIN}/{name}"], capture_output=True, text=True, check=True)
        token.write_text(made.stdout)
        token.chmod(0o600)
        file = self.work / f"{name.replace('/', '-')}.service"
        self.cloister("enroll", file, "--service", f"127.0.0.1:{self.port}", "--server", SERVER, "--unix", self.socket,
                      "--token-file", token, *more, home=False)
        return file

    def worker(self, file, port=None, certificate=None, trust=None):
        """A client with the identity of a service file; another certificate or other roots where a test wants."""
        return Client(lambda: http.client.HTTPSConnection(
            "127.0.0.1", port or self.port, timeout=30, context=tls_context(file, certificate, trust)))


def unix_client(path):
    return Client(lambda: UnixConnection(path))


def tls_context(file, certificate=None, trust=None):
    """What Python's ssl makes of a service file. The SPIFFE ID of the server is checked by its own test."""
    content = json.loads(pathlib.Path(file).read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    roots = "".join(ssl.DER_cert_to_PEM_cert(base64.b64decode(key["x5c"][0]))
                    for key in content["bundle"]["keys"] if key["use"] == "x509-svid")
    context.load_verify_locations(cadata=trust or roots)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
        pem.write(certificate or content["key"] + content["svid"])
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    """A cluster of its own, reached by a Unix socket alone; None from start() where PostgreSQL isn't installed."""

    @staticmethod
    def start(folder):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        return Postgres(pathlib.Path(folder), programs[-1].parent) if programs else None

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.prefix = []
        if os.getuid() == 0:
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.make_folder()
        self.run("initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
                 "--no-sync")
        with open(folder / "data/postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n"
                           "dynamic_shared_memory_type = mmap\n")
        self.run("pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "start")

    def make_folder(self):
        self.folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")

    def run(self, program, *arguments):
        subprocess.run([*self.prefix, str(self.programs / program), *map(str, arguments)], cwd="/", check=True,
                       capture_output=True)

    def start_standby(self, folder):
        """Streams from this one, which from now on acknowledges nothing that the standby doesn't have."""
        standby = Postgres.__new__(Postgres)
        standby.folder, standby.programs, standby.prefix = pathlib.Path(folder), self.programs, self.prefix
        standby.make_folder()
        standby.run("pg_basebackup", "-h", self.folder, "-U", "postgres", "-D", standby.folder / "data", "-c", "fast",
                    "-X", "stream", "-R", "--no-sync")
        with open(standby.folder / "data/postgresql.auto.conf", "a") as settings:
            settings.write(f"unix_socket_directories = '{standby.folder}'\nsynchronous_standby_names = ''\n")
        standby.run("pg_ctl", "-D", standby.folder / "data", "-l", standby.folder / "log", "-w", "start")
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
        self.sql("SELECT pg_reload_conf()")
        for _ in range(100):
            if self.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'") == "1":
                return standby
            time.sleep(0.1)
        raise AssertionError("the standby doesn't stream")

    def promote(self):
        self.run("pg_ctl", "-D", self.folder / "data", "-w", "promote")

    def sql(self, statement):
        result = subprocess.run([*self.prefix, str(self.programs / "psql"), "-h", str(self.folder), "-U", "postgres",
                                 "-tAc", statement], cwd="/", check=True, capture_output=True, text=True)
        return result.stdout.strip()

    def stop(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")


def connection_file(path, *servers):
    path.write_text(f"host={','.join(str(server.folder) for server in servers)} user=postgres dbname=postgres\n")
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def place():
    """A folder that only we can write, and that PostgreSQL's user can enter."""
    folder = tempfile.mkdtemp(prefix="cloister-faults.")
    os.chmod(folder, 0o755)
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

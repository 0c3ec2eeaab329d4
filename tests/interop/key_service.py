"""A cloisterd of one's own, for tests that let other people's clients loose on it: a home, tenants, a policy, listeners."""
import json
import os
import pathlib
import subprocess

DOMAIN = "acme.test"
# Anna may do everything; workloads use the keys of the tenant they are named for.
POLICY = f"""version = 1
id = "interop-1"
not_after = "never"
[[allow]]
name = "operators"
caller = "spiffe://{DOMAIN}/ops/*"
operation = "any"
tenant = "any"
environment = "any"
dataset = "any"
purpose = "any"
[[allow]]
name = "acme"
caller = "spiffe://{DOMAIN}/acme/*"
operation = "any"
tenant = "acme"
environment = "any"
dataset = "any"
purpose = "any"
[[allow]]
name = "rival"
caller = "spiffe://{DOMAIN}/rival/*"
operation = "any"
tenant = "rival"
environment = "any"
dataset = "any"
purpose = "any"
[[allow]]
name = "anybody"
caller = ["spiffe://{DOMAIN}/acme/*", "spiffe://{DOMAIN}/rival/*"]
operation = "random"
purpose = "any"
[[quota]]
tenant = "any"
requests_per_second = 10000
burst = 10000
keys_per_batch = 1000
"""


class KeyService:
    """As a context it runs; `more` are tables of the configuration. Tenants acme and rival, each with its datasets."""

    def __init__(self, run, more, datasets=("etcd",), policy=POLICY):
        self.run = run
        self.folder = pathlib.Path(run.folder) / "key-service"
        self.folder.mkdir(mode=0o755)
        self.programs = pathlib.Path(run.build) / "apps"
        self.socket = self.folder / "keys.sock"
        self.log = None
        self.cli("init")
        for tenant in ("acme", "rival"):
            self.cli("tenant", "create", tenant)
            for dataset in datasets:
                self.cli("dataset", "create", f"{tenant}/{dataset}")
        self.write("policy.toml", policy)
        self.config = self.write("cloisterd.toml", f"""home = "{self.folder}/home"
trust_domain = "{DOMAIN}"
[listen]
unix = "{self.socket}"
[policy]
file = "{self.folder}/policy.toml"
[identity]
poll_seconds = 1
[limits]
io_threads = 1
workers = 2
drain_seconds = 2
[[unix_user]]
uid = {os.getuid()}
id = "spiffe://{DOMAIN}/ops/anna"
{more}""")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def cli(self, *arguments):
        done = subprocess.run([self.programs / "cloister", "--home", self.folder / "home", "--quiet", *arguments],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"cloister {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def started(self):
        return self.log is not None and any(event["event"] == "started" for event in self.events())

    def events(self):
        lines = self.log.output().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def __enter__(self):
        self.log = self.run.server([self.programs / "cloisterd", "--config", self.config], ready=self.started)
        self.log.__enter__()
        return self

    def __exit__(self, *error):
        return self.log.__exit__(*error)

    def curl(self, method, path, body=None, purpose="operate"):
        """The API of our own, as Anna, by the Unix socket: the answer's JSON, or its text."""
        argv = ["curl", "-sS", "--unix-socket", self.socket, "-X", method, f"http://keys{path}", "-H",
                f"cloister-purpose: {purpose}", "-H", "content-type: application/json"]
        if body is not None:
            argv += ["-d", json.dumps(body)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    def records(self, tenant="acme"):
        return self.curl("GET", f"/v1/tenants/{tenant}/audit/records?from=0&count=1000", purpose="audit")["records"]

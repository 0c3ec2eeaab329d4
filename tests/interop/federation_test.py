#!/usr/bin/env python3
"""Federation of trust domains: go-spiffe fetches and watches the bundle that cloisterd serves, in both profiles, and cloisterd
follows one that go-spiffe serves."""
import contextlib
import json
import pathlib
import re
import subprocess
import time

from key_service import DOMAIN, KeyService
from lib import interop
from lib.certificates import Authority

GO_SPIFFE = "2.8.1"
PARTNER = "partner.example"


def eventually(what, patience=30):
    """What `what` returned last; it is called until that is true."""
    end = time.monotonic() + patience
    while not (got := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return got


class Peer:
    """go-spiffe's own server of a bundle, for partner.example."""

    def __init__(self, run, program, bundle):
        self.process = subprocess.Popen([program, "serve", PARTNER, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=run.environment())
        self.port = int(self.process.stdout.readline())

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def close(self):
        self.process.kill()
        self.process.wait(10)


def ask(run, program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
                          env=run.environment())
    return [json.loads(line) for line in done.stdout.splitlines()] or [{"error": done.stderr}]


def ports(service):
    return [int(event["address"].rsplit(":", 1)[1]) for event in service.events()
            if event["event"] == "listening" and event["for"] == "the bundle"]


def updates(service, domain):
    return [event["bundle"] for event in service.events()
            if event["event"] == "federated-bundle" and event["trust_domain"] == domain]


def failures(service):
    return [event["error"] for event in service.events() if event["event"] == "federated-bundle-not-fetched"]


def federates(port, bundle, identity=f"spiffe://{PARTNER}/bundle/server"):
    return f"""[workload_api]
socket = "{pathlib.Path(bundle).parent}/w{port}.sock"
[[federates_with]]
trust_domain = "{identity.split('/')[2]}"
url = "https://127.0.0.1:{port}/"
profile = "https_spiffe"
endpoint_id = "{identity}"
bundle = "{bundle}"
"""


def own_bundle(service, path):
    answer = service.curl("GET", "/v1/identity/bundle")
    path.write_text(json.dumps(answer))
    path.chmod(0o600)
    return path


def check_served(run, row, program, service):
    known = own_bundle(service, run.folder / "ours.json")
    url, identity = f"https://127.0.0.1:{ports(service)[0]}/bundle", f"spiffe://{DOMAIN}/cloister/keys"
    got, = ask(run, program, "spiffe", url, DOMAIN, identity, known)
    row.check("it fetches our bundle by our SPIFFE ID", got.get("x509") == 1 and got.get("jwt") == 1 and got["sequence"] >= 1, got)
    row.check("our refresh hint", got.get("refresh_seconds") == 300, got)
    got, = ask(run, program, "spiffe", url, DOMAIN, f"spiffe://{DOMAIN}/another", known)
    row.check("another id is refused", "unexpected ID" in got.get("error", ""), got)
    got, = ask(run, program, "spiffe", url + "/nothing", DOMAIN, identity, known)
    row.check("elsewhere there is none", "404" in got.get("error", "") or "error" in got, got)
    got = ask(run, program, "watch", url, DOMAIN, identity, known)
    row.check("it watches our bundle", got[-1].get("x509") == 1, got)


def check_followed(run, row, peer, service):
    first = eventually(lambda: updates(service, PARTNER) or service.cli("--json", "audit", "list").count("federation.update"))
    row.check("its bundle is known from the first file on", first)
    peer.tell("rotate")
    seen = eventually(lambda: [text for text in updates(service, PARTNER) if "sequence 6" in text and "2 authorities" in text])
    row.check("a new authority is seen", seen, service.log.output()[-2000:])
    peer.tell("back")
    seen = eventually(lambda: [text for text in failures(service) if "goes back from 6 to 1" in text])
    row.check("a sequence that goes back is refused", seen, service.log.output()[-2000:])


def check_kept(run, row, peer, service):
    """After a restart, with the other end away."""
    peer.close()
    with service:
        eventually(lambda: failures(service))
        metrics = service.curl("GET", "/metrics")
        row.check("the last good bundle outlives a restart", re.search(r"^cloister_federated_bundles 1$", metrics, re.M), metrics)


def check_web(run, row, program):
    authority = Authority(run.folder / "web", "web")
    certificate, key = authority.issue("server", "localhost", "server")
    second = run.folder / "web-service"
    second.mkdir()
    run_of = type("Run", (), {"folder": second, "build": run.build, "server": run.server})
    service = KeyService(run_of, f"""[bundle_endpoint]
listen = "127.0.0.1:0"
profile = "https_web"
certificate = "{certificate}"
key = "{key}"
""")
    with service:
        port = ports(service)[0]
        got, = ask(run, program, "web", f"https://localhost:{port}/", DOMAIN, authority.path)
        row.check("it fetches our bundle by Web PKI", got.get("x509") == 1, got)
        other = Authority(run.folder / "other", "other")
        got, = ask(run, program, "web", f"https://localhost:{port}/", DOMAIN, other.path)
        row.check("another authority is refused", "unknown authority" in got.get("error", ""), got)
        check_web_client(run, row, port, authority, other)


def check_web_client(run, row, port, authority, other):
    for name, trusted in (("web-client", authority), ("web-stranger", other)):
        folder = run.folder / name
        folder.mkdir()
        run_of = type("Run", (), {"folder": folder, "build": run.build, "server": run.server})
        service = KeyService(run_of, f"""[workload_api]
socket = "{folder}/w.sock"
[[federates_with]]
trust_domain = "{PARTNER}"
url = "https://localhost:{port}/"
profile = "https_web"
authorities = "{trusted.path}"
""")
        with service:
            if trusted is authority:
                row.check("cloisterd fetches by Web PKI", eventually(lambda s=service: updates(s, PARTNER)), service.log.output())
            else:
                row.check("cloisterd refuses another authority", eventually(lambda s=service: failures(s)), service.log.output())


def main():
    run = interop.Run("federation")
    with run.row("client", "go-spiffe federation", against="bundle endpoint", version=GO_SPIFFE) as row:
        program = run.go_build("federation_peer", go="1.25")
        bundle = run.folder / "partner.json"
        with contextlib.closing(Peer(run, program, bundle)) as peer:
            service = KeyService(run, '[bundle_endpoint]\nlisten = "127.0.0.1:0"\npath = "/bundle"\nprofile = "https_spiffe"\n'
                                 + federates(peer.port, bundle))
            with service:
                check_served(run, row, program, service)
                check_followed(run, row, peer, service)
            check_kept(run, row, peer, service)
        check_web(run, row, program)
    run.finish()


if __name__ == "__main__":
    main()

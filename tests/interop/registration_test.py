#!/usr/bin/env python3
"""Registration entries as a workload feels them: SPIFFE's Python client against cloisterd, its own process attested, entries
made and ended under its streams, everything on record."""
import contextlib
import json
import os
import subprocess
import time

from key_service import DOMAIN, KeyService
from lib import interop

SPIFFE = ("spiffe==0.3.2",)

# Runs in the environment that has the client: a line of JSON for each line that it is told.
CLIENT = """
import json, sys, threading, time
from spiffe import SpiffeId, WorkloadApiClient

client = WorkloadApiClient(sys.argv[1])
seen, told = [], threading.Condition()

def say(context):
    with told:
        seen.append({"ids": sorted(str(svid.spiffe_id) for svid in context.x509_svids),
                     "hints": [svid.hint for svid in context.x509_svids] if hasattr(context.x509_svids[0], "hint") else [],
                     "serial": context.default_svid.leaf.serial_number,
                     "seconds": (context.default_svid.leaf.not_valid_after_utc - context.default_svid.leaf.not_valid_before_utc).seconds,
                     "bundles": sorted(str(bundle.trust_domain) for bundle in context.x509_bundle_set.bundles)})
        told.notify_all()

def svids():
    return {"ids": sorted(str(svid.spiffe_id) for svid in client.fetch_x509_svids(timeout=20))}

def token(audience, subject=None):
    svid = client.fetch_jwt_svid({audience}, SpiffeId(subject) if subject else None, timeout=20)
    again = client.validate_jwt_svid(svid.token, audience, timeout=20)
    return {"id": str(again.spiffe_id), "audience": sorted(again.audience)}

def watch():
    global handler
    handler = client.stream_x509_contexts(say, lambda error: None)
    return {}

def wait(count):
    with told:
        told.wait_for(lambda: len(seen) >= count, 30)
        return {"count": len(seen), "last": seen[-1] if seen else None}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        print(json.dumps(globals()[name](*arguments)), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
"""


class Client:
    def __init__(self, run, python, socket):
        self.program = os.path.realpath(python)
        script = run.folder / "workload.py"
        script.write_text(CLIENT)
        script.chmod(0o644)
        self.process = subprocess.Popen([python, script, f"unix://{socket}"], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=run.environment())

    def ask(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait(10)


def eventually(what, patience=30):
    """The last answer of `what`, which is called until its first part is true."""
    end = time.monotonic() + patience
    while True:
        good, answer = what()
        if good or time.monotonic() > end:
            return good, answer
        time.sleep(0.1)


def entry(service, path, *selectors, more=()):
    arguments = [word for selector in selectors for word in ("--selector", selector)]
    made = service.cli("--json", "entry", "create", "--spiffe-id", f"spiffe://{DOMAIN}{path}", *arguments, *more)
    return json.loads(made)["created"][0]["id"]


def entries_seen(service, count):
    """Waits until the daemon has read that many entries."""
    return eventually(lambda: ([event for event in service.events() if event["event"] == "entries"][-1:]
                               and [event for event in service.events() if event["event"] == "entries"][-1]["count"] == count, None))


def check_entries(service, row, client):
    ids = [f"spiffe://{DOMAIN}/ml/{name}" for name in ("first", "second")]
    refused = client.ask("svids")
    row.check("without an entry nothing is given", "error" in refused, refused)
    row.check("and a line of the log says so",
              any(event["event"] == "workload-refused" and event["uid"] == os.getuid() for event in service.events()))
    first = entry(service, "/ml/first", f"unix:uid:{os.getuid()}", f"unix:path:{client.program}", more=("--x509-ttl", "600"))
    entry(service, "/ml/other", "unix:path:/usr/bin/false")
    entries_seen(service, 2)
    given = client.ask("svids")
    row.check("an entry for its user and its executable", given == {"ids": ids[:1]}, given)
    client.ask("watch")
    state = client.ask("wait", 1)
    row.check("the entry's lifetime counts", state["last"] and state["last"]["seconds"] <= 660, state)
    entry(service, "/ml/second", f"unix:uid:{os.getuid()}")
    state = client.ask("wait", 2)
    row.check("an open stream hears of a new entry", state["last"]["ids"] == ids, state)
    service.cli("entry", "delete", first)
    state = client.ask("wait", 3)
    row.check("and of one that ended", state["last"]["ids"] == ids[1:], state)
    token = client.ask("token", "database")
    row.check("a token, which the daemon takes back", token == {"id": ids[1], "audience": ["database"]}, token)
    other = client.ask("token", "database", f"spiffe://{DOMAIN}/ml/other")
    row.check("no token of another identity", "error" in other, other)


def check_other_user(service, row, run, socket):
    if os.getuid() != 0:
        row.skip("another user gets nothing", "only root becomes another user")
        return
    # The folder that the sockets and the script are in is the test's own.
    for folder in (run.folder, service.folder):
        os.chmod(folder, 0o711)
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", socket, "-D", "-", "-o", "/dev/null",
                           "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "workload.spiffe.io: true",
                           "--data-binary", f"@{run.folder}/empty", "http://localhost/SpiffeWorkloadAPI/FetchX509SVID"],
                          capture_output=True, text=True, check=False, user=65534, env=run.environment(), timeout=60)
    row.check("another user gets nothing", "grpc-status: 7" in done.stdout, done.stdout + done.stderr)


def check_records(service, row):
    rows = service.cli("--json", "audit", "list")
    issued = [one for one in json.loads(rows)["rows"] if one["action"] == "identity.issue" and "entry" in one["detail"]]
    row.check("who got what, and why, is on record",
              issued and issued[0]["actor"].startswith(f"uid:{os.getuid()} pid:") and "serial" in issued[0]["detail"]
              and "path" in issued[0]["detail"], rows[-2000:])


def main():
    run = interop.Run("registration")
    socket = run.folder / "workload.sock"
    (run.folder / "empty").write_bytes(bytes(5))
    service = KeyService(run, f'[workload_api]\nsocket = "{socket}"\n')
    with service:
        with run.row("client", "spiffe (Python)", against="registration entries", version=SPIFFE[0].rsplit("=", 1)[1]) as row:
            python = run.pip(*SPIFFE)
            with contextlib.closing(Client(run, python, socket)) as client:
                check_entries(service, row, client)
            check_other_user(service, row, run, socket)
            check_records(service, row)
    run.finish()


if __name__ == "__main__":
    main()

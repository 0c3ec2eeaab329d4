#!/usr/bin/env python3
"""The raw TLS prober over a fleet of servers that are good and bad on purpose: what it must say of each, and how fast."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tls_fleet import fleet

PROBE = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/tls_probe"


def facts_of(port):
    """{"P3": "yes", "C2/NULL": "no"} and how many seconds it took; None where the prober says it isn't TLS."""
    begun = time.monotonic()
    done = subprocess.run([PROBE, f"127.0.0.1:{port}", "localhost"], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        return None, done.stderr.strip(), time.monotonic() - begun
    facts = {}
    for line in done.stdout.splitlines():
        check, subject, seen, detail = line.split("\t")
        facts.setdefault(f"{check}/{subject}" if subject else check, (seen, detail))
    return facts, done.stderr.strip(), time.monotonic() - begun


def look_at(ship, port):
    facts, said, took = facts_of(port)
    if ship.not_tls:
        return [] if facts is None and "doesn't speak TLS" in said else [f"found TLS where there is none: {said}"]
    if facts is None:
        return [said]
    print(f"   {ship.name}: {said}, {took:.2f} s", flush=True)
    return [f"{check}: {facts.get(check, ('not looked at', ''))}, not {wanted}" for check, wanted in ship.expects.items()
            if facts.get(check, ("", ""))[0] != wanted]


def main():
    wanted = sys.argv[1:]
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="cloister-fleet-") as folder:
        yard = fleet.Yard(pathlib.Path(folder) / "yard")
        for ship in fleet.ships(yard):
            if wanted and ship.name not in wanted:
                continue
            if ship.missing():
                print(f"skipped: {ship.name}: no {ship.program}", flush=True)
                counts["skipped"] += 1
                continue
            port, server = ship.sail(pathlib.Path(folder))
            with server:
                wrong = look_at(ship, port)
            verdict = "FAILED" if wrong else "ok"
            counts[verdict] += 1
            print(f"{verdict}: {ship.name}" + "".join(f"\n  {line}" for line in wrong), flush=True)
    print(", ".join(f"{count} {name}" for name, count in counts.items()), flush=True)
    sys.exit(1 if counts["FAILED"] else 0 if counts["ok"] else 77)


if __name__ == "__main__":
    main()

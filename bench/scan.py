#!/usr/bin/env python3
"""A scan of one endpoint beside other people's scanners: an nginx of the system on loopback, every scanner with what it does
by itself. The median of the rounds, and what of the time was spent by processors.
  CLOISTER=build/release/apps/cloister bench/scan.py
BENCH_ROUNDS; SSLYZE: the program, where there is one."""
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from tls_fleet import fleet  # noqa: E402 (the folder is known only now)

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def scanners(port):
    target = f"127.0.0.1:{port}"
    yield "cloister scan", [os.environ["CLOISTER"], "--json", "scan", target, "--server-name", "localhost"]
    if shutil.which("testssl"):
        yield "testssl.sh", ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", target]
    if shutil.which("sslscan"):
        yield "sslscan", ["sslscan", "--no-colour", target]
    if os.environ.get("SSLYZE"):
        yield "sslyze", [os.environ["SSLYZE"], "--quiet", target]
    if shutil.which("nmap"):
        yield "nmap ssl-enum-ciphers", ["nmap", "-n", "-Pn", "-sT", "-p", str(port), "--script", "ssl-enum-ciphers", "127.0.0.1"]


def timed(argv):
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900, check=False)
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    with tempfile.TemporaryDirectory(prefix="cloister-bench-") as name:
        folder = pathlib.Path(name)
        ship = next(ship for ship in fleet.front_ships(fleet.Yard(folder / "yard")) if ship.name == "nginx-default")
        port, server = ship.sail(folder)
        with server:
            took = {}
            for _ in range(ROUNDS):
                for scanner, command in scanners(port):
                    took.setdefault(scanner, []).append(timed(command))
    ours = statistics.median(wall for wall, _ in took["cloister scan"])
    print(f"{'scanner':24} {'seconds':>9} {'processor':>10} {'of testssl.sh':>14} {'of ours':>9}")
    slow = statistics.median(wall for wall, _ in took["testssl.sh"]) if "testssl.sh" in took else None
    for scanner, rounds in took.items():
        wall = statistics.median(wall for wall, _ in rounds)
        spent = statistics.median(cpu for _, cpu in rounds)
        of_slow = f"{wall / slow:.3f}" if slow else "-"
        print(f"{scanner:24} {wall:9.2f} {spent:10.2f} {of_slow:>14} {wall / ours:9.1f}")


if __name__ == "__main__":
    main()

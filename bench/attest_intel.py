#!/usr/bin/env python3
"""Verifications of Intel's quotes a second of one core, with all collateral: ours beside dcap-qvl (Rust) in its Python package.

Both check the same: signatures, chain, revocation lists, TCB Info, identity, levels. Ours once for itself, as dcap-qvl does it, and
once with the cache that a service has, when collateral and platform were seen before. Rounds go through both in turn, by
processor time, which other load on the machine moves less than the clock; the median counts. Needs the published vectors
($CLOISTER_VECTORS, or ../shared/vectors seen from the source).
  BUILD_DIR=build/release bench/attest_intel.py
BENCH_SECONDS of each measurement, BENCH_ROUNDS."""
import datetime
import os
import pathlib
import statistics
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib import install  # noqa: E402 (the folder is known only now)

DCAP_QVL = "0.7.0"
SECONDS = os.environ.get("BENCH_SECONDS", "2")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
VECTORS = pathlib.Path(os.environ.get("CLOISTER_VECTORS", SOURCE.parent / "shared/vectors"))
TOOL = pathlib.Path(os.environ.get("BUILD_DIR", SOURCE / "build/release")) / "tests/intel_tool"
CASES = [("SGX, version 3", "sgx/prod-v3-config-and-swhardening", "2025-06-20"),
         ("TDX, version 4", "tdx/prod-v4-uptodate", "2025-06-20"),
         ("TDX, version 5", "tdx/v5-td-relaunch-advised", "2025-03-01")]


def rate(argv, *more):
    done = subprocess.run([*map(str, argv), SECONDS, *more], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main():
    if not VECTORS.is_dir():
        print("  skipped: the published vectors aren't here")
        return
    theirs = [install.pip(f"dcap-qvl=={DCAP_QVL}"), SOURCE / "tests/interop/intel_peer.py"]
    print(f"verifications a second of one core; dcap-qvl {DCAP_QVL}")
    for title, folder, date in CASES:
        seconds = int(datetime.datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp())
        arguments = [VECTORS / folder / "quote.bin", VECTORS / folder / "collateral", seconds]
        rounds = [(rate([TOOL, *arguments]), rate([TOOL, *arguments], "cached"), rate([*theirs, *arguments]))
                  for _ in range(ROUNDS)]
        ours, cached, other = (statistics.median(column) for column in zip(*rounds))
        alone, known = (statistics.median(row[i] / row[2] for row in rounds) for i in (0, 1))
        print(f"  {title:<16} ours {ours:6.0f}, ratio {alone:5.2f}   with its cache {cached:6.0f}, ratio {known:5.2f}   "
              f"dcap-qvl {other:6.0f}", flush=True)


main()

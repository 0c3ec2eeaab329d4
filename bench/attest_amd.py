#!/usr/bin/env python3
"""Verdicts on a real SNP report and its chain a second, ours and go-sev-guest's, which is built for it; and ours on a simulated
machine with AMD's list of revocations, on a Nitro document and on a chain of SEV before SNP.
  BUILD_DIR=build/release bench/attest_amd.py
CLOISTER_VECTORS, or ../shared/vectors beside the source, has the report; without it there is nothing to compare with."""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib import install  # noqa: E402 (the folder is known only now)
from lib.absent import Absent  # noqa: E402

PROGRAM = pathlib.Path(os.environ["BUILD_DIR"]) / "bench/bench_attest_amd"


def main():
    vectors = pathlib.Path(os.environ.get("CLOISTER_VECTORS") or SOURCE.parent / "shared/vectors")
    subprocess.run([PROGRAM], check=True, env={**os.environ, "CLOISTER_VECTORS": str(vectors)})
    report = vectors / "snp/milan-v3-oak"
    if not report.is_dir():
        return
    try:
        peer = install.go_build(SOURCE / "tests/interop/sev_verifier", "1.24", "")
    except Absent as absent:
        print(f"go-sev-guest: {absent.reason}")
        return
    said = subprocess.run([peer, report, "vcek", "2025-06-01T00:00:00Z", "BENCH"], check=True, capture_output=True, text=True,
                          env={**os.environ, "GOMAXPROCS": "1"})
    print(f"{'go-sev-guest: report and chain of a real Milan':60} {float(said.stdout):8.0f} a second a core")


if __name__ == "__main__":
    main()

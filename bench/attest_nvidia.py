#!/usr/bin/env python3
"""Verdicts on a real GPU's report and chain a second, ours and NVIDIA's local verifier's, which is installed for it; and ours on
a simulated GPU with everything that belongs to it.
  BUILD_DIR=build/release bench/attest_nvidia.py
CLOISTER_VECTORS, or ../shared/vectors beside the source, has the report; without it there is nothing to compare with."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib import install  # noqa: E402 (the folder is known only now)
from lib.absent import Absent  # noqa: E402

ROUNDS = os.environ.get("BENCH_ROUNDS", "5")
PROGRAM = pathlib.Path(os.environ["BUILD_DIR"]) / "bench/bench_attest_nvidia"


def theirs(report, chain):
    python = install.pip("nv-local-gpu-verifier==2.7.3")
    with tempfile.TemporaryDirectory() as folder:  # it writes a log where it is started
        said = subprocess.run([python, SOURCE / "tests/interop/nvidia_peer.py", report, chain, "HOPPER", "50"], capture_output=True,
                              check=True, cwd=folder)
    verdict = json.loads(said.stdout)
    if not (verdict["signature"] and verdict["chain"]):
        raise SystemExit("nv-local-gpu-verifier refuses a good report")
    return verdict["seconds"]


def main():
    vectors = pathlib.Path(os.environ.get("CLOISTER_VECTORS") or SOURCE.parent / "shared/vectors").resolve() / "nvidia/h100-550-chain-cases"
    report, chain = vectors / "report.bin", vectors / "cert_chain.pem"
    real = [report, chain] if report.exists() else []
    subprocess.run([PROGRAM, *real], check=True, env={**os.environ, "BENCH_ROUNDS": ROUNDS})
    if not real:
        return
    try:
        print(f"{'nv-local-gpu-verifier: a real report and its chain':60} {1 / theirs(report, chain):8.0f} a second a core")
    except Absent as absent:
        print(f"nv-local-gpu-verifier: {absent.reason}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What sealing costs a question to a model: bench_inference with an engine that only echoes, and with ONNX Runtime and
Silero's model for voice activity, both from their packages for Python; and what it costs each piece of a stream.
  BUILD_DIR=… bench/inference.py"""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests/interop"))
from lib import install  # noqa: E402 (the folder is known only now)
from lib.absent import Absent  # noqa: E402

BENCHES = pathlib.Path(os.environ.get("BUILD_DIR", SOURCE / "build/dev")) / "bench"
PROGRAM = BENCHES / "bench_inference"


def in_site_packages(python, pattern):
    return str(next(pathlib.Path(python).parent.parent.glob(f"lib/python3*/site-packages/{pattern}")))


def main():
    subprocess.run([PROGRAM], check=True)
    for size in ("10", "100", "1000"):
        subprocess.run([BENCHES / "bench_inference_stream", size], check=True)
    try:
        library = in_site_packages(install.pip("onnxruntime==1.32.0"), "onnxruntime/capi/libonnxruntime.so.*")
        model = in_site_packages(install.pip("--no-deps", "silero-vad==6.2.3"), "silero_vad/data/silero_vad.onnx")
    except Absent as absent:
        sys.exit(f"skipped: {absent.reason}")
    subprocess.run([PROGRAM, library, model], check=True)


main()

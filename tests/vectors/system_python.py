"""Debian's packages install their modules for Debian's Python, which isn't always the first one found."""
import importlib.util
import os
import subprocess
import sys

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's packages install their modules for


def use_a_python_with_cryptography():
    if sys.executable != SYSTEM_PYTHON and os.access(SYSTEM_PYTHON, os.X_OK):
        tried = subprocess.run([SYSTEM_PYTHON, "-c", "import cryptography"], capture_output=True, check=False)
        if tried.returncode == 0:
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
    if importlib.util.find_spec("cryptography") is None:
        print("skipped: no python3 here has the module cryptography (Debian: python3-cryptography)")
        sys.exit(77)

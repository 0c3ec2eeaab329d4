#!/usr/bin/env python3
"""The key broker protocol of the Confidential Containers spoken by a guest made of npm's jose and canonicalize, with evidence of a
simulated machine: what it signs over, which key a secret is sealed to, and who opens it.
"""
import json
import os
import pathlib
import subprocess

from lib import interop

SERVER = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/kbs_server"
JOSE, CANONICALIZE = "5.9.6", "2.0.0"


def main():
    run = interop.Run("kbs_guest")
    modules = run.npm(f"jose@{JOSE}", f"canonicalize@{CANONICALIZE}")
    with run.row("client", "jose", against="kbs dialect", version=JOSE) as row:
        done = subprocess.run(["node", interop.SOURCE / "tests/interop/kbs_guest.mjs", SERVER, run.folder / "kbs.sock"],
                              env={**os.environ, "MODULES": str(modules)}, capture_output=True, check=False, timeout=60)
        checks = [json.loads(line) for line in done.stdout.splitlines()]
        for check in checks:
            row.check(check["name"], check["good"], check["detail"])
        row.check("the guest came to its end", done.returncode == 0 and len(checks) == 15, done.stderr.decode()[-500:])
    run.finish()


if __name__ == "__main__":
    main()

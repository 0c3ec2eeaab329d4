#!/usr/bin/env python3
"""What two other verifiers make of the same Intel quotes with the same collateral at the same time. Where they differ from
ours, the difference is written down here with its reason, and the test fails when it is gone."""
import datetime
import json
import os
import pathlib
import subprocess
import sys

from lib import interop

DCAP_QVL = "0.7.0"
GO_TDX_GUEST = "0.3.1"

# Folder, file, date; and whose collateral, where it isn't the folder's own.
CASES = [("sgx/certdata-type3-no-chain", "quote.bin", "2020-06-01"),
         ("sgx/debug-v3-oe-2022", "quote.bin", "2022-05-01"),
         ("sgx/debug-v3-outofdate", "quote.bin", "2025-06-20"),
         ("sgx/intel-qvl-test-root", "quote.dat", "2025-06-01"),
         ("sgx/maa-debug", "quote.bin", "2025-06-10"),
         ("sgx/maa-prodid", "quote.bin", "2025-06-10"),
         ("sgx/maa-release", "quote.bin", "2025-06-10"),
         ("sgx/prod-v3-config-and-swhardening", "quote.bin", "2025-06-20"),
         ("sgx/tampered-intermediate-ca", "quote.bin", "2020-01-01"),
         ("sgx/tampered-quote-signature", "quote.bin", "2020-06-01"),
         ("sgx/tcb-recovery-evalnum-17", "quote.bin", "2025-06-20"),
         ("sgx/tcb-recovery-evalnum-18", "quote.bin", "2025-06-20"),
         ("sgx/tcb-recovery-evalnum-19", "quote.bin", "2025-06-20"),
         ("tdx/debug-v4", "quote.bin", "2023-06-01"),
         ("tdx/intel-qvl-test-root", "quote.dat", "2025-06-01"),
         ("tdx/prod-v4-uptodate", "quote.bin", "2025-06-20"),
         ("tdx/v4-dstack-eventlog-replay", "quote.bin", "2025-10-01"),
         ("tdx/v4-with-ccel-gce", "quote_padded.bin", "2024-09-01"),
         ("tdx/v5-gcp-2026", "quote.bin", "2026-02-15"),
         ("tdx/v5-no-matching-level", "quote.bin", "2026-02-20"),
         ("tdx/v5-td-relaunch-advised", "quote.bin", "2025-03-01"),
         ("tdx/v4-dstack-eventlog-replay", "quote.bin", "2026-02-20", "tdx/v5-no-matching-level"),
         ("tdx/v5-gcp-2026", "quote.bin", "2026-02-20", "tdx/v5-no-matching-level"),
         ("tdx/v5-td-relaunch-advised", "quote.bin", "2026-02-20", "tdx/v5-no-matching-level")]

# What the other says where ours says something else, and why.
DCAP_DIFFERS = {"sgx/debug-v3-oe-2022": ("missing field `sgxtcbcomponents`", "it doesn't read TCB Info of version 2")}
GO_DIFFERS = {
    "tdx/prod-v4-uptodate": ("is not equal to FMSPC value", "it takes the case of hexadecimal digits for a difference"),
    "tdx/v4-dstack-eventlog-replay at 2026-02-20": ("is not equal to FMSPC value", "it takes the case of digits for a difference"),
    "tdx/debug-v4": ("ok", "debug is left to another function of it"),
    "tdx/intel-qvl-test-root": ("incomplete PCK Certificate chain", "it reads certificates as PEM only; both refuse"),
}


def vectors():
    chosen = os.environ.get("CLOISTER_VECTORS")
    return pathlib.Path(chosen) if chosen else pathlib.Path(os.environ["SOURCE_DIR"]).parent / "shared/vectors"


def output(argv, environment=None):
    return subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True, timeout=60, env=environment).stdout.strip()


class Case:
    def __init__(self, run, name, file, date, lender=None):
        self.name, self.quote = f"{name} at {date}" if lender else name, vectors() / name / file
        folder = vectors() / (lender or name) / "collateral"
        self.collateral = folder if (folder / "tcb_info.json").exists() else "-"
        self.seconds = int(datetime.datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp())
        self.ours = json.loads(output([run.build / "tests/intel_tool", *self.arguments()]))
        # What no other verifier here is asked about: a report's data, a debug mode, floors.
        self.problems = [f"{check} {reason}" for check, reason, _ in self.ours["problems"] if check not in ("debug", "rollback")]

    def arguments(self):
        return self.quote, self.collateral, self.seconds


def compare_dcap(run, row, cases):
    python = run.pip(f"dcap-qvl=={DCAP_QVL}")
    peer = pathlib.Path(os.environ["SOURCE_DIR"]) / "tests/interop/intel_peer.py"
    for case in cases:
        if case.collateral == "-":
            row.skip(case.name, "it verifies nothing without collateral")
            continue
        theirs = json.loads(output([python, peer, *case.arguments()], run.environment()))
        if case.name in DCAP_DIFFERS:
            said, why = DCAP_DIFFERS[case.name]
            row.check(f"{case.name}: differs, since {why}", said in theirs.get("refused", "") and not case.problems, theirs)
        elif case.problems:
            row.check(f"{case.name}: both refuse", "refused" in theirs, (case.ours, theirs))
        else:
            same = (theirs.get("tcb_status"), theirs.get("advisories")) == (case.ours["tcb_status"], case.ours["advisories"])
            row.check(f"{case.name}: the same status and advisories", same, (case.ours, theirs))


def compare_go(run, row, cases):
    program = run.go_build("tdx_guest", go="1.24")
    for case in cases:
        if not case.name.startswith("tdx/"):
            continue
        theirs = output([program, *case.arguments()]).splitlines()[-1]  # before it stand warnings
        if case.name.startswith("tdx/v5"):
            row.check(f"{case.name}: it knows no version 5", "quote format not supported" in theirs, theirs)
        elif case.name in GO_DIFFERS:
            said, why = GO_DIFFERS[case.name]
            row.check(f"{case.name}: differs, since {why}", said in theirs, theirs)
        else:
            # Of those without collateral it verifies signatures and the chain.
            chain = [one for one in case.problems if one.endswith(("bad-signature", "bad-chain", "binding-mismatch", "untrusted-root"))]
            row.check(f"{case.name}: both accept", theirs == "ok" and not chain, (case.ours, theirs))


def main():
    if not vectors().is_dir():
        print("skipped: the published vectors aren't here")
        sys.exit(77)
    run = interop.Run("intel_verifiers")
    cases = [Case(run, *case) for case in CASES]
    with run.row("provider", "Intel quotes", against="dcap-qvl", version=DCAP_QVL) as row:
        compare_dcap(run, row, cases)
    with run.row("provider", "Intel quotes", against="go-tdx-guest", version=GO_TDX_GUEST) as row:
        compare_go(run, row, cases)
    run.finish()


main()

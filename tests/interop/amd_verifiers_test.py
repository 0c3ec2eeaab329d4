#!/usr/bin/env python3
"""SEV-SNP reports of real machines beside Google's go-sev-guest: whose signature, chain and version numbers hold, on the reports
as they are, at other dates, and with bytes changed.

The reports are in CLOISTER_VECTORS, or ../shared/vectors beside the source.
"""
import json
import os
import pathlib
import random
import subprocess

from lib import interop

TOOL = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/amd_tool"
VERSION = "0.15.0"
# Folder, whose key, when.
REPORTS = [("genoa-v3-azure-hcl-vtpm", "vcek", "2025-04-01T00:00:00Z"),
           ("genoa-v3-coco-wire-json", "vcek", "2025-07-01T00:00:00Z"),
           ("milan-v2-azure-reported-lt-current", "vcek", "2023-06-01T00:00:00Z"),
           ("milan-v2-debug", "vcek", "2023-01-01T00:00:00Z"),
           ("milan-v2-virtee", "vcek", "2023-06-01T00:00:00Z"),
           ("milan-v3-oak", "vcek", "2025-06-01T00:00:00Z"),
           ("milan-vlek-aws-vmpl1", "vlek", "2025-01-15T00:00:00Z"),
           ("milan-vlek-aws-vmpl1", "vlek", "2025-12-11T00:00:00Z"),
           ("turin-v5-oak", "vcek", "2025-09-01T00:00:00Z")]
# What it doesn't look at: that is its policy's, or nobody's.
OURS_ALONE = {"debug", "migration"}
# Where it says no and we don't, and why.
UNKNOWN_THERE = {"turin-v5-oak": "it doesn't know Turin's certificates",
                 "genoa-v3-coco-wire-json": "it doesn't take Siena for a Genoa"}
CHANGES = 24


def vectors():
    chosen = os.environ.get("CLOISTER_VECTORS")
    folder = (pathlib.Path(chosen) if chosen else interop.SOURCE.parent / "shared/vectors") / "snp"
    return folder if folder.is_dir() else None


def said(*argv):
    done = subprocess.run([str(part) for part in argv], capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]}: {done.stderr.decode()}")
    return done.stdout.decode()


def ours_of(*what):
    """The checks that failed."""
    states = dict(line.split() for line in said(TOOL, *what).splitlines())
    return {name for name, state in states.items() if state == "failed"} - OURS_ALONE


def compare_reports(row, peer):
    for name, kind, at in REPORTS:
        what = (vectors() / name, kind, at)
        failed, theirs = ours_of(*what), json.loads(said(peer, *what))
        detail = f"failed here: {sorted(failed)}; there: {theirs['problem']}"
        if name in UNKNOWN_THERE:
            row.check(f"{name}: {UNKNOWN_THERE[name]}", not failed and not theirs["good"], detail)
        else:
            row.check(f"{name} at {at}", (not failed) == theirs["good"], detail)


def compare_changed(row, run, peer):
    folder = vectors() / "milan-v3-oak"
    report, chance, agreed = (folder / "report.bin").read_bytes(), random.Random(20261126), 0
    for _ in range(CHANGES):
        at = chance.randrange(0x330)
        changed = run.folder / "changed.bin"
        changed.write_bytes(report[:at] + bytes([report[at] ^ 1 << chance.randrange(8)]) + report[at + 1:])
        what = (folder, "vcek", "2025-06-01T00:00:00Z", changed)
        agreed += 1 if ours_of(*what) and not json.loads(said(peer, *what))["good"] else 0
    row.check(f"{CHANGES} reports with a bit changed", agreed == CHANGES, f"both refuse {agreed}")


def main():
    run = interop.Run("amd_verifiers")
    peer = run.go_build("sev_verifier", go="1.24")
    with run.row("provider", "SNP reports", against="go-sev-guest", version=VERSION) as row:
        if vectors() is None:
            raise interop.Absent("the vectors aren't beside the source")
        compare_reports(row, peer)
        compare_changed(row, run, peer)
    run.finish()


if __name__ == "__main__":
    main()

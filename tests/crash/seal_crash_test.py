#!/usr/bin/env python3
"""Sealing a file and a directory, stopped anywhere: whole under the final name or not there, and a second run completes."""
import shutil

import crash_lib
from crash_lib import Disk


def one_file(place):
    folder = place.root / "single"
    folder.mkdir()
    payload = b"0123456789abcdef" * 20000
    (place.root / "plain").write_bytes(payload)
    arguments = ["seal", "--dataset", "acme/set", place.root / "plain", folder / "plain.sealed"]
    _, operations = crash_lib.record(folder, place.work, arguments, place.home)

    def before():
        shutil.rmtree(folder)
        folder.mkdir()
        return Disk(folder)

    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=40, kills=40):
        target = state / "plain.sealed"
        assert target.exists() or not output, f"{moment}: it was reported sealed and is gone"
        if target.exists():
            verified = place.cloister("verify", target, check=False)
            assert verified.returncode == 0, f"{moment}: {verified.stderr.decode()}"
        checked += 1
    return checked


def directory(place):
    source = place.root / "corpus"
    (source / "deep").mkdir(parents=True)
    for i in range(6):
        (source / f"file{i}").write_bytes(bytes([i]) * (1000 * i))
    (source / "deep" / "file").write_bytes(b"deep" * 5000)
    folder = place.root / "sealed"
    folder.mkdir()
    target = folder / "corpus.sealed"
    _, operations = crash_lib.record(folder, place.work, ["seal", "--dataset", "acme/set", source, target], place.home)

    def before():
        shutil.rmtree(folder)
        folder.mkdir()
        return Disk(folder)

    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=25, kills=35):
        done = state / "corpus.sealed"
        if not (done / "manifest.sealed").exists():
            assert not output, f"{moment}: it was reported sealed and has no manifest"
            again = place.cloister("seal", "--dataset", "acme/set", source, done, check=False)
            assert again.returncode == 0, f"{moment}: {again.stderr.decode()}"
        verified = place.cloister("verify", done, check=False)
        leftover = (done / ".cloister-journal.sealed").exists()
        assert verified.returncode == 0 or leftover, f"{moment}: {verified.stderr.decode()}"
        checked += 1
    return checked


def test(place):
    return f"seal: {one_file(place)} states with a file, {directory(place)} with a directory"


if __name__ == "__main__":
    crash_lib.main(test)

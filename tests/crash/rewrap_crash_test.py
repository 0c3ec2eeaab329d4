#!/usr/bin/env python3
"""Rewrapping in place, stopped at every write: the object opens by its old slots or its new ones, never by neither."""
import crash_lib
from crash_lib import Disk


def test(place):
    objects = place.root / "objects"
    objects.mkdir()
    payload = bytes(range(256)) * 300
    (place.root / "plain").write_bytes(payload)
    target = objects / "plain.sealed"
    place.cloister("seal", "--dataset", "acme/set", place.root / "plain", target)
    original = target.read_bytes()
    place.cloister("dataset", "rotate-key", "acme/set")
    _, operations = crash_lib.record(objects, place.work, ["rewrap", target], place.home)
    after = target.read_bytes()
    assert after != original, "nothing was rewrapped"

    def before():
        target.write_bytes(original)
        return Disk(objects)

    checked = 0
    for moment, state, _ in crash_lib.states(objects, before, operations, place.work):
        opened = place.cloister("cat", state / "plain.sealed", "--force", check=False)
        assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"
        place.cloister("rewrap", state / "plain.sealed")
        place.cloister("verify", state / "plain.sealed")
        checked += 1

    target.write_bytes(original)

    def check(moment):
        opened = place.cloister("cat", target, "--force", check=False)
        assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"

    runs = crash_lib.kill_after_every_change(objects, ["rewrap", target], place.home, check)
    return f"rewrap: {checked} states of the disk, {runs} real kills"


if __name__ == "__main__":
    crash_lib.main(test)

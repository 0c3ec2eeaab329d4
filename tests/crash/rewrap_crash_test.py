#!/usr/bin/env python3
"""Rewriting slots in place, stopped at every write: an object or a log opens by its old slots or its new ones, never by neither."""
import crash_lib
from crash_lib import Disk


class Case:
    """One command on one sealed file: `again` completes it from any state, `done` says what must hold then."""

    def __init__(self, place, objects, target, payload):
        self.place, self.objects, self.target, self.payload = place, objects, target, payload

    def opens(self, path, moment):
        opened = self.place.cloister("cat", path, "--force", check=False)
        assert opened.returncode == 0 and opened.stdout == self.payload, f"{moment}: {opened.stderr.decode()}"

    def run(self, arguments, done=lambda state, moment: None, again_may=(0,), power_cuts=60, kills=80):
        original = self.target.read_bytes()
        operations = crash_lib.record(self.objects, self.place.work, arguments(self.target), self.place.home)[1]
        after = self.target.read_bytes()
        assert after != original, f"{arguments(self.target)} wrote nothing"

        def before():
            self.target.write_bytes(original)
            return Disk(self.objects)

        checked = 0
        states = crash_lib.states(self.objects, before, operations, self.place.work, power_cuts=power_cuts, kills=kills)
        for moment, state, _ in states:
            path = state / self.target.name
            self.opens(path, moment)
            again = self.place.cloister(*arguments(path), check=False)
            assert again.returncode in again_may, f"{moment}: {again.stderr.decode()}"
            self.place.cloister("verify", path)
            self.opens(path, moment)
            done(path, moment)
            checked += 1
        self.target.write_bytes(original)
        runs = crash_lib.kill_after_every_change(self.objects, arguments(self.target), self.place.home,
                                                 lambda moment: self.opens(self.target, moment))
        self.target.write_bytes(after)
        return f"{checked} states of the disk, {runs} real kills"


def one_object(place):
    objects = place.root / "objects"
    objects.mkdir()
    payload = bytes(range(256)) * 300
    (place.root / "plain").write_bytes(payload)
    target = objects / "plain.sealed"
    place.cloister("seal", "--dataset", "acme/set", place.root / "plain", target)
    place.cloister("dataset", "rotate-key", "acme/set")
    return Case(place, objects, target, payload)


def one_log(place):
    logs = place.root / "logs"
    logs.mkdir()
    target = logs / "lines.log"
    for line in (b"one\n", b"two\n", b"three\n"):
        place.cloister("append", target, "--dataset", "acme/set", stdin=line)
    place.cloister("dataset", "rotate-key", "acme/set")
    return Case(place, logs, target, b"one\ntwo\nthree\n")


def test(place):
    recipient = place.root / "auditor.pub"
    recipient.write_bytes(place.cloister("identity", "new", place.root / "auditor.key", "--kem", "x25519").stdout)
    rewrap = lambda path: ["rewrap", path]
    add = lambda path: ["rewrap", path, "--add-recipient", recipient]
    remove = lambda path: ["rewrap", path, "--remove-type", "hpke-x25519"]

    def opens_for_the_auditor(path, moment):
        opened = place.cloister("cat", path, "--identity", place.root / "auditor.key", "--force", check=False)
        assert opened.returncode == 0, f"{moment}: {opened.stderr.decode()}"

    def is_in_no_copy(path, moment):
        assert b"x25519:" not in path.read_bytes(), f"{moment}: the removed slot is still in a copy"

    report = []
    for name, case, few in (("an object", one_object(place), {}), ("a log", one_log(place), dict(power_cuts=25, kills=30))):
        report.append(f"rewrap of {name}: " + case.run(rewrap, **few))
        report.append("slot added: " + case.run(add, opens_for_the_auditor, **few))
        # Once it is gone from both copies, there is nothing of the kind to remove.
        report.append("slot removed: " + case.run(remove, is_in_no_copy, again_may=(0, NOT_FOUND), **few))
    return "; ".join(report)


NOT_FOUND = 5


if __name__ == "__main__":
    crash_lib.main(test)

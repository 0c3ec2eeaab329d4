#!/usr/bin/env python3
"""Appending to a log, stopped anywhere: what was acknowledged is there, what is there is a prefix, and the log goes on."""
import random
import shutil
import time

import crash_lib
from crash_lib import Disk


def acknowledged_by(operations):
    numbers = [int(line) for o in operations if o.kind == crash_lib.OUTPUT for line in o.data.split() if line.isdigit()]
    return numbers[-1] if numbers else 0


def new_log(place, logs):
    """The same with a log that isn't there before."""
    lines = [f"line {i}\n".encode() for i in range(4)]

    def before():
        shutil.rmtree(logs)
        logs.mkdir()
        return Disk(logs)

    before()
    _, operations = crash_lib.record(logs, place.work, ["append", logs / "requests.log", "--dataset", "acme/set", "--ack"],
                                     place.home, stdin=b"".join(lines))
    return before, operations, ([], lines)


def killed_and_then_no_power(place, logs, before, operations, lines):
    """A writer is killed where it had written and not yet synced; another goes on from there; then the power fails."""
    chance = random.Random(11)
    first, second = lines
    log, state, checked = logs / "requests.log", place.work / "state", 0
    kills = [k for k, o in enumerate(operations) if o.kind == crash_lib.SYNC]
    for k in sorted(chance.sample(kills, min(8, len(kills)))):
        def left_by_the_first():
            disk = before()
            for operation in operations[:k]:
                disk.apply(operation)
            return disk

        left_by_the_first().killed(logs)
        _, more = crash_lib.record(logs, place.work, ["append", log, "--dataset", "acme/set", "--ack"], place.home,
                                   stdin=b"after\n")
        disk = left_by_the_first()
        for j in range(len(more) + 1):
            for _ in range(3):
                disk.power_cut(state, chance)
                moment = f"killed before change {k}, then power cut before change {j} of the next writer"
                acknowledged, then = acknowledged_by(operations[:k]), acknowledged_by(more[:j])
                if not (state / "requests.log").exists():
                    assert not first and not acknowledged and not then, f"{moment}: the log is gone"
                    continue
                went_on = place.cloister("append", state / "requests.log", "--dataset", "acme/set", stdin=b"last\n", check=False)
                if went_on.returncode != 0:  # AL-9: of a first header only META can be left, which could be anything
                    assert not first and not acknowledged and not then, f"{moment}: {went_on.stderr.decode()}"
                    continue
                found = place.cloister("cat", state / "requests.log").stdout.splitlines(keepends=True)
                assert found[:len(first)] == first and found[-1] == b"last\n", f"{moment}: lines are gone"
                rest = found[len(first):-1]
                assert not then or rest[-1] == b"after\n", f"{moment}: the second writer's line is gone"
                rest = rest[:-1] if rest and rest[-1] == b"after\n" else rest
                assert rest == second[:len(rest)] and len(rest) >= acknowledged, f"{moment}: {rest}"
                checked += 1
            if j < len(more):
                disk.apply(more[j])
    return checked


def test(place):
    logs = place.root / "logs"
    logs.mkdir()
    log = logs / "requests.log"
    first = [f"first {i} {'x' * i}\n".encode() for i in range(20)]
    place.cloister("append", log, "--dataset", "acme/set", stdin=b"".join(first))
    original = log.read_bytes()
    second = [f"second {i} {'y' * (i * 37)}\n".encode() for i in range(24)]

    def feed(pipe):
        for at in range(0, len(second), 3):
            pipe.write(b"".join(second[at:at + 3]))
            pipe.flush()
            time.sleep(0.12)

    _, operations = crash_lib.record(logs, place.work, ["append", log, "--dataset", "acme/set", "--ack"], place.home, feed=feed)
    acknowledgements = [o for o in operations if o.kind == crash_lib.OUTPUT]
    assert len(acknowledgements) >= 3, "too few acknowledgements to test anything"

    def before():
        log.write_bytes(original)
        return Disk(logs)

    after_kills = killed_and_then_no_power(place, logs, before, operations, (first, second))
    after_kills += killed_and_then_no_power(place, logs, *new_log(place, logs))
    checked = 0
    for moment, state, output in crash_lib.states(logs, before, operations, place.work, power_cuts=60, kills=60):
        numbers = [int(line) for line in output.split() if line.isdigit()]
        acknowledged = numbers[-1] if numbers else 0
        found = place.cloister("cat", state / "requests.log", check=False)
        assert found.returncode == 0, f"{moment}: {found.stderr.decode()}"
        lines = found.stdout.splitlines(keepends=True)
        assert lines[:len(first)] == first, f"{moment}: earlier lines are gone"
        rest = lines[len(first):]
        assert rest == second[:len(rest)], f"{moment}: lines are not what was written"
        assert len(rest) >= acknowledged, f"{moment}: {acknowledged} lines were acknowledged, {len(rest)} are there"
        place.cloister("append", state / "requests.log", "--dataset", "acme/set", stdin=b"after\n")
        again = place.cloister("cat", state / "requests.log").stdout
        assert again == found.stdout + b"after\n", f"{moment}: the log didn't go on"
        checked += 1
    return f"append: {checked} states of the disk and {after_kills} after two writers, {len(acknowledgements)} acknowledgements"


if __name__ == "__main__":
    crash_lib.main(test)

#!/usr/bin/env python3
"""Appending to a log, stopped anywhere: what was acknowledged is there, what is there is a prefix, and the log goes on."""
import time

import crash_lib
from crash_lib import Disk


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
    return f"append: {checked} states of the disk, {len(acknowledgements)} acknowledgements"


if __name__ == "__main__":
    crash_lib.main(test)

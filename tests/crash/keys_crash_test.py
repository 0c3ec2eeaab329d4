#!/usr/bin/env python3
"""Rotating keys in the store and moving them between roots, stopped anywhere: old or new, the audit chain whole, what
was reported is there."""
import json

import crash_lib


def versions(place, home):
    listed = json.loads(place.cloister("tenant", "show", "acme", "--json", home=home).stdout)
    return len(listed["versions"])


def rotation(place, arguments, payload, sealed):
    home = place.home
    count = versions(place, home)
    before = crash_lib.rewound(home)  # after looking, which changes the store's side files
    _, operations = crash_lib.record(home, place.work, arguments, home)
    checked = 0
    for moment, state, output in crash_lib.states(home, before, operations, place.work, power_cuts=40, kills=50):
        audit = place.cloister("audit", "verify", home=state, check=False)
        assert audit.returncode == 0, f"{moment}: {audit.stderr.decode()}"
        opened = place.cloister("cat", sealed, "--force", home=state, check=False)
        assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"
        now = versions(place, state)
        if arguments[0] == "key":
            assert now in (count, count + 1), f"{moment}: {now} versions"
            assert not output or now == count + 1, f"{moment}: the rotation was reported and is gone"
        checked += 1
    return checked


def test(place):
    payload = b"what only these keys open\n" * 100
    (place.root / "plain").write_bytes(payload)
    sealed = place.root / "plain.sealed"
    place.cloister("seal", "--dataset", "acme/set", place.root / "plain", sealed)
    checked = rotation(place, ["key", "rotate", "--tenant", "acme"], payload, sealed)
    checked += rotation(place, ["dataset", "rotate-key", "acme/set"], payload, sealed)
    checked += rotation(place, ["root", "add", "second", "software"], payload, sealed)
    checked += rotation(place, ["key", "move", "acme", "--to", "second"], payload, sealed)
    checked += rotation(place, ["root", "default", "second"], payload, sealed)
    checked += rotation(place, ["root", "remove", "first"], payload, sealed)
    return f"keys: {checked} states of the disk"


if __name__ == "__main__":
    crash_lib.main(test)

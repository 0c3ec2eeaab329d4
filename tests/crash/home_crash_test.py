#!/usr/bin/env python3
"""Making a home, destroying a KEK and importing a keyring, stopped anywhere: done or not done, never half, and what was
reported stays so."""
import json
import sqlite3

import crash_lib


def init(place):
    folder = place.root / "fresh"
    folder.mkdir()
    home = folder / "home"
    before = crash_lib.rewound(folder)
    _, operations = crash_lib.record(folder, place.work, ["init"], home)
    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=40, kills=60):
        found = state / "home"
        made = (found / "config.json").exists()
        assert made or not output, f"{moment}: the home was reported and is gone"
        again = place.cloister("init", home=found, check=False)
        assert again.returncode == 6 or (again.returncode == 0 and not made), f"{moment}: {again.stderr.decode()}"
        if not made and again.returncode == 6:
            # What is left of no home is named, and not replaced: whether it is worth anything isn't the program's to say.
            assert b"not a home" in again.stderr, f"{moment}: {again.stderr.decode()}"
            for name in ("root.key", "keys.db", "keys.db-wal", "keys.db-shm"):
                (found / name).unlink(missing_ok=True)
            place.cloister("init", home=found)
        place.cloister("tenant", "create", "later", home=found)
        place.cloister("audit", "verify", home=found)
        checked += 1
    return checked


def wrapped_kek(home, tenant):
    store = sqlite3.connect(home / "keys.db")
    row = store.execute("SELECT k.wrapped FROM kek_versions k JOIN tenants t ON t.kek_id = k.kek_id WHERE t.tenant = ?", (tenant,))
    wrapped = bytes(row.fetchone()[0])
    store.close()
    return wrapped


def destruction(place):
    home = place.home
    payload = b"what is to be shredded\n" * 50
    (place.root / "secret").write_bytes(payload)
    sealed = place.root / "secret.sealed"
    place.cloister("tenant", "create", "globex")
    place.cloister("dataset", "create", "globex/set")
    place.cloister("seal", "--dataset", "globex/set", place.root / "secret", sealed)
    wrapped = wrapped_kek(home, "globex")
    assert len(wrapped) == 72 and any(wrapped in path.read_bytes() for path in home.iterdir()), "no wrapped key to look for"
    arguments = ["key", "destroy", "--tenant", "globex", "--version", "1", "--immediately", "--reason", "leaked",
                 "--confirm", "globex/1"]
    before = crash_lib.rewound(home)
    _, operations = crash_lib.record(home, place.work, arguments, home)
    checked = 0
    for moment, state, output in crash_lib.states(home, before, operations, place.work, power_cuts=40, kills=60):
        if output:
            for path in state.rglob("*"):
                assert not path.is_file() or wrapped not in path.read_bytes(), f"{moment}: {path.name} has the key still"
        place.cloister("audit", "verify", home=state)
        shown = json.loads(place.cloister("tenant", "show", "globex", "--json", home=state).stdout)
        key_state = shown["versions"][0]["state"]
        opened = place.cloister("cat", sealed, home=state, check=False)
        assert key_state in ("enabled", "destroyed"), f"{moment}: {key_state}"
        assert not output or key_state == "destroyed", f"{moment}: the destruction was reported, the key is {key_state}"
        if key_state == "enabled":
            assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"
        else:
            assert opened.returncode == 4, f"{moment}: it opens, and its key is destroyed"
        # Asked again, it is destroyed for good, and nothing of it is left in any file.
        again = place.cloister(*arguments, home=state, check=False)
        assert again.returncode == (0 if key_state == "enabled" else 4), f"{moment}: {again.stderr.decode()}"
        for path in state.rglob("*"):
            assert not path.is_file() or wrapped not in path.read_bytes(), f"{moment}: {path.name} has the key still"
        checked += 1
    return checked


def keyring_import(place):
    payload = b"for the partner\n" * 50
    (place.root / "shared").write_bytes(payload)
    sealed = place.root / "shared.sealed"
    place.cloister("seal", "--dataset", "acme/set", place.root / "shared", sealed)
    place.cloister("identity", "new", place.root / "partner.key")
    recipient = place.cloister("identity", "show", place.root / "partner.key").stdout.decode().strip()
    keyring = place.root / "set.keyring"
    place.cloister("dataset", "export", "acme/set", keyring, "--recipient", recipient)
    home = place.root / "partner"
    place.cloister("init", home=home)
    place.cloister("tenant", "create", "acme", home=home)
    arguments = ["dataset", "import", keyring, "--identity", place.root / "partner.key"]
    before = crash_lib.rewound(home)
    _, operations = crash_lib.record(home, place.work, arguments, home)
    checked = 0
    for moment, state, output in crash_lib.states(home, before, operations, place.work, power_cuts=40, kills=60):
        place.cloister("audit", "verify", home=state)
        listed = json.loads(place.cloister("dataset", "list", "--json", home=state).stdout)["datasets"]
        assert listed or not output, f"{moment}: the import was reported and is gone"
        again = place.cloister(*arguments, home=state, check=False)
        assert again.returncode == (6 if listed else 0), f"{moment}: {again.stderr.decode()}"
        opened = place.cloister("cat", sealed, home=state, check=False)
        assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"
        checked += 1
    return checked


def test(place):
    return f"homes: {init(place)} states of init, {destruction(place)} of a destruction, {keyring_import(place)} of an import"


if __name__ == "__main__":
    crash_lib.main(test)

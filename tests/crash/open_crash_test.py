#!/usr/bin/env python3
"""Opening a directory, stopped anywhere: a killed run leaves only whole files and goes on; after a power cut, what isn't
whole is noticed."""
import shutil

import crash_lib


def test(place):
    source = place.root / "corpus"
    (source / "deep").mkdir(parents=True)
    for i in range(5):
        (source / f"file{i}").write_bytes(bytes([65 + i]) * (3000 * i))
    (source / "deep" / "file").write_bytes(b"deep" * 5000)
    sealed = place.root / "corpus.sealed"
    place.cloister("seal", "--dataset", "acme/set", source, sealed)
    wanted = {path.relative_to(source): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    folder = place.root / "opened"
    folder.mkdir()
    target = folder / "corpus"
    arguments = ["open", sealed, target]

    def found(path):
        return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file() and ".part-" not in p.name}

    before = crash_lib.rewound(folder)
    _, operations = crash_lib.record(folder, place.work, arguments, place.home)
    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=30, kills=50):
        there = found(state / "corpus")
        if moment.startswith("killed"):
            assert all(wanted[name] == data for name, data in there.items()), f"{moment}: a file isn't whole"
        assert not output or there == wanted, f"{moment}: it was reported opened, and isn't"
        # Times don't come back with a replayed disk, so files that are there are others': refused, unless told to replace.
        again = place.cloister("open", sealed, state / "corpus", check=False)
        assert again.returncode == (6 if there else 0), f"{moment}: {again.stderr.decode()}"
        place.cloister("open", sealed, state / "corpus", "--force")
        assert found(state / "corpus") == wanted, f"{moment}: it isn't what was sealed"
        checked += 1

    shutil.rmtree(target)

    def check(moment):
        assert all(wanted[name] == data for name, data in found(target).items()), f"{moment}: a file isn't whole"
        again = place.cloister(*arguments, check=False)
        assert again.returncode == 0, f"{moment}: {again.stderr.decode()}"
        assert found(target) == wanted, f"{moment}: it isn't what was sealed"

    runs = crash_lib.kill_after_every_change(folder, arguments, place.home, check)
    return f"open: {checked} states of the disk, {runs} real kills"


if __name__ == "__main__":
    crash_lib.main(test)

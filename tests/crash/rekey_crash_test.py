#!/usr/bin/env python3
"""Re-keying an object and a directory, stopped anywhere: the payload opens by the old object or the new, and a second run
completes."""
import crash_lib


def one_object(place):
    folder = place.root / "objects"
    folder.mkdir()
    payload = bytes(range(256)) * 300
    (place.root / "plain").write_bytes(payload)
    target = folder / "plain.sealed"
    place.cloister("seal", "--dataset", "acme/set", place.root / "plain", target)
    original = target.read_bytes()
    before = crash_lib.rewound(folder)
    _, operations = crash_lib.record(folder, place.work, ["rekey", target], place.home)
    assert target.read_bytes() != original, "nothing was re-keyed"

    def opens(path, moment):
        opened = place.cloister("cat", path, "--force", check=False)
        assert opened.returncode == 0 and opened.stdout == payload, f"{moment}: {opened.stderr.decode()}"

    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=25, kills=30):
        found = state / "plain.sealed"
        opens(found, moment)
        assert not output or found.read_bytes() != original, f"{moment}: the re-keying was reported and is gone"
        place.cloister("rekey", found)
        place.cloister("verify", found)
        checked += 1
    target.write_bytes(original)
    return checked + crash_lib.kill_after_every_change(folder, ["rekey", target], place.home,
                                                       lambda moment: opens(target, moment))


def directory(place):
    source = place.root / "corpus"
    (source / "deep").mkdir(parents=True)
    for i in range(4):
        (source / f"file{i}").write_bytes(bytes([65 + i]) * (1000 * i))
    (source / "deep" / "file").write_bytes(b"deep" * 5000)
    folder = place.root / "sealed"
    folder.mkdir()
    target = folder / "corpus.sealed"
    place.cloister("seal", "--dataset", "acme/set", source, target)
    before = crash_lib.rewound(folder)
    names = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    old = {name: (target / f"{name}.sealed").read_bytes() for name in names}

    def whole(path, moment):
        for name in names:
            opened = place.cloister("cat", path / f"{name}.sealed", "--force", check=False)
            expected = (source / name).read_bytes()
            assert opened.returncode == 0 and opened.stdout == expected, f"{moment}: {name}: {opened.stderr.decode()}"

    def completes(path, moment):
        if place.cloister("verify", path, check=False).returncode != 0:
            again = place.cloister("rekey", path, check=False)
            assert again.returncode == 0, f"{moment}: {again.stderr.decode()}"
        place.cloister("verify", path)

    _, operations = crash_lib.record(folder, place.work, ["rekey", target], place.home)
    checked = 0
    for moment, state, output in crash_lib.states(folder, before, operations, place.work, power_cuts=15, kills=20):
        path = state / "corpus.sealed"
        whole(path, moment)
        if output:
            place.cloister("verify", path)
            assert all((path / f"{name}.sealed").read_bytes() != old[name] for name in names), f"{moment}: not re-keyed"
        completes(path, moment)
        whole(path, moment)
        checked += 1

    def check(moment):
        whole(target, moment)
        completes(target, moment)

    return checked + crash_lib.kill_after_every_change(folder, ["rekey", target], place.home, check, step=3)


def test(place):
    return f"rekey: {one_object(place)} stops with an object, {directory(place)} with a directory"


if __name__ == "__main__":
    crash_lib.main(test)

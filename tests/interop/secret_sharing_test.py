#!/usr/bin/env python3
"""Shares of a key: HashiCorp Vault combines what ours split, and ours what Vault split; too few of either make no key."""
import itertools
import os
import subprocess

from lib import interop

VAULT = "1.21.4"
COUNTS = [(3, 2), (5, 3), (7, 7), (255, 2)]


def said(program, *words):
    return subprocess.run([str(program), *map(str, words)], capture_output=True, text=True, check=True,
                          timeout=60).stdout.split()


def check_one_way(row, what, splits, combines):
    """Shares of one side, by threes and the like, combined by the other."""
    wrong, leaks = [], []
    for count, threshold in COUNTS:
        key = os.urandom(32).hex()
        shares = said(splits, "split", key, count, threshold)
        wrong += [] if len({share[-2:] for share in shares}) == count else [(count, threshold, "indices")]
        for some in itertools.islice(itertools.combinations(shares, threshold), 10):
            wrong += [] if said(combines, "combine", *reversed(some)) == [key] else [(count, threshold, some)]
        if threshold > 2:
            leaks += [1] if said(combines, "combine", *shares[1:threshold]) == [key] else []
    row.check(f"{what}: as many as are needed make the key", not wrong, wrong)
    row.check(f"{what}: one fewer makes another", not leaks, leaks)


def main():
    run = interop.Run("secret_sharing")
    with run.row("provider", "secret sharing", against="HashiCorp Vault's shamir", version=VAULT) as row:
        vault = run.go_build("secret_sharing_peer", go="1.25")
        ours = run.build / "tests/secret_sharing_tool"
        check_one_way(row, "ours split", ours, vault)
        check_one_way(row, "Vault split", vault, ours)
    run.finish()


if __name__ == "__main__":
    main()

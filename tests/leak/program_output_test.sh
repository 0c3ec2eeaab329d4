#!/usr/bin/env bash
# A whole run of the program, watched from outside: the root key and the passphrase appear in nothing it prints, records
# or passes on, in no spelling.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CLOISTER_HOME=$work/home
passphrase='correct horse battery staple 42'
printf '%s' "$passphrase" >pass
run() { "$CLOISTER" "$@" >>output 2>&1 || true; }

run init
run tenant create acme
run dataset create acme/set
head -c 200000 /dev/urandom >plain
run seal --json --dataset acme/set --passphrase-file pass plain plain.sealed
run inspect --json plain.sealed
run inspect plain.sealed
run key rotate --tenant acme --json
run dataset rotate-key acme/set --json
run rewrap --json plain.sealed
run open plain.sealed opened
printf 'a line\n' | run append log.sealed --dataset acme/set
run verify plain.sealed log.sealed
run audit list --json
run audit verify --json
run dataset export acme/set set.keyring --passphrase-file pass
run identity new identity.key
printf 'wrong passphrase' >wrong
run open plain.sealed nowhere --passphrase-file wrong --force
[ -s output ]

python3 - "$work" "$passphrase" <<'PY'
import base64, pathlib, sys
work, passphrase = pathlib.Path(sys.argv[1]), sys.argv[2].encode()
root = (work / "home" / "root.key").read_bytes()
identity = (work / "identity.key").read_bytes() if (work / "identity.key").exists() else b""
windows = [passphrase]
# Key files are short: every 16 bytes of them that aren't zeros or text may be key bytes.
for raw in (root, identity):
    for at in range(0, len(raw) - 16):
        piece = raw[at:at + 16]
        if piece.count(0) < 4 and not piece.isascii():
            windows.append(piece)
assert len(windows) > 8, "no key bytes to look for"
def spellings(piece):
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield base64.b64encode(piece)[:20]
    yield base64.urlsafe_b64encode(piece)[:20]
haystacks = {"output": (work / "output").read_bytes()}
for path in work.rglob("*"):
    if path.is_file() and path.name not in ("root.key", "pass", "wrong", "plain", "opened", "identity.key"):
        haystacks[str(path)] = path.read_bytes()
assert any("keys.db" in name for name in haystacks), list(haystacks)
for name, haystack in haystacks.items():
    for piece in windows:
        for spelling in spellings(piece):
            assert spelling not in haystack, f"{name} holds key bytes"
# The search itself works.
assert windows[-1] in root + identity
print(f"{len(windows)} secrets in no spelling in {len(haystacks)} files and outputs")
PY

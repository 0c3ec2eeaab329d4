#!/usr/bin/env bash
# A whole run of the program, watched from outside: the root key, the passphrase and a private key appear in nothing it
# prints, records or passes on, in no spelling.
set -euo pipefail
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CLOISTER_HOME=$work/home
passphrase='correct horse battery staple 42'
printf '%s' "$passphrase" >pass
printf 'wrong passphrase' >wrong

# run STATUS command…: exactly that exit status; what is printed goes into the haystack.
run() {
  local expected=$1 status=0
  shift
  "$CLOISTER" "$@" >>output 2>&1 || status=$?
  [ "$status" = "$expected" ] && return
  printf "'%s' ended with %s, not %s: %s\n" "$*" "$status" "$expected" "$(tail -3 output)" >&2
  exit 1
}

run 0 init
run 0 tenant create acme
run 0 dataset create acme/set
head -c 200000 /dev/urandom >plain
run 0 identity new identity.key
recipient=$("$CLOISTER" identity show identity.key)
run 0 seal --json --dataset acme/set --passphrase-file pass --recipient "$recipient" plain plain.sealed
run 0 inspect --json plain.sealed
run 0 inspect plain.sealed --open --passphrase-file pass
run 0 key rotate --tenant acme --json
run 0 dataset rotate-key acme/set --json
run 0 rewrap --json plain.sealed
run 0 open plain.sealed opened
run 0 open plain.sealed by-passphrase --passphrase-file pass
run 0 open plain.sealed by-identity --identity identity.key
printf 'a line\n' | run 0 append log.sealed --dataset acme/set --recipient "$recipient"
run 0 verify plain.sealed log.sealed
run 0 audit list --json
run 0 audit verify --json
run 0 dataset export acme/set set.keyring --passphrase-file pass
run 0 inspect set.keyring
run 0 identity show identity.key
# Refusals, which say what they were given.
run 4 --home elsewhere open plain.sealed nowhere --passphrase-file wrong
run 2 seal plain other.sealed --tenant acme --recipient "$(tail -1 identity.key)"
run 2 seal plain other.sealed --tenant acme --passphrase "$passphrase.txt"
run 2 open plain.sealed nowhere --identity pass
for file in plain.sealed log.sealed set.keyring; do [ -s "$file" ] || { echo "$file is missing" >&2 && exit 1; }; done
for file in opened by-passphrase by-identity; do cmp "$file" plain; done

python3 - "$work" "$passphrase" <<'PY'
import base64, pathlib, re, sys
work, passphrase = pathlib.Path(sys.argv[1]), sys.argv[2].encode()
root = (work / "home" / "root.key").read_bytes()
seed_text = re.search(rb"^cloister-identity-[a-z0-9]+:([0-9a-f]{64})$", (work / "identity.key").read_bytes(), re.M)
assert seed_text, "no seed line in the identity file"
seed = bytes.fromhex(seed_text[1].decode())
assert root[:8] == b"CLSRKEY1" and len(root) == 80, "the key file's format changed: say here where its key is"
secrets = {"passphrase": passphrase, "root key": root[44:76], "private key": seed}
for name, secret in secrets.items():
    assert len(set(secret)) > 8, f"the {name} is no secret: {secret!r}"

# Any 16 bytes of a secret, as bytes and as text; base64 looks different at each of three places.
def spellings(piece):
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(shift) + piece)[4:20]

needles = [(name, spelling) for name, secret in secrets.items() for at in range(len(secret) - 15)
           for spelling in spellings(secret[at:at + 16])]
known = {"pass", "wrong", "plain", "opened", "by-passphrase", "by-identity", "identity.key"}
haystacks = {path.relative_to(work): path.read_bytes() for path in work.rglob("*") if path.is_file() and path.name not in known
             and path != work / "home" / "root.key"}
for needed in ("output", "plain.sealed", "log.sealed", "set.keyring", "home/keys.db", "home/config.json"):
    assert len(haystacks[pathlib.Path(needed)]) > 0, needed

def search(haystack):
    return {name for name, needle in needles if needle in haystack}

for path, haystack in haystacks.items():
    found = search(haystack)
    assert not found, f"{path} holds the {found}"
# The search itself finds each, wherever it lies.
assert search(root) == {"root key"} and search((work / "identity.key").read_bytes()) == {"private key"}
for name, secret in secrets.items():
    for shift in range(3):
        assert search(b"noise " + base64.b64encode(b"x" * shift + secret) + b" noise") == {name}, (name, shift)
print(f"{len(secrets)} secrets in {len(needles)} spellings, in none of {len(haystacks)} files and outputs")
PY

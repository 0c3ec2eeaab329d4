#!/usr/bin/env bash
# model: signing and verifying without a home, every refusal with its exit status, the ledger, and files that run code.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

new_key() {
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"$1" -out "$2.key" 2>/dev/null)
  openssl pkey -in "$2.key" -pubout -out "$2.pub"
}
new_key P-256 release
new_key P-384 other
mkdir -p llama/weights
echo '{"layers": 2}' >llama/config.json
head -c 100000 /dev/urandom >llama/weights/a.bin

# Nobody is trusted unless named; a key that others can read signs nothing.
expect_status 0 cloister model sign llama --key release.key
expect_error 2 'nobody is trusted' cloister model verify llama
expect_error 6 'model.sig' cloister model sign llama --key release.key
expect_status 0 cloister model sign llama/ --key release.key --force
chmod 644 other.key
expect_error 4 'other.key' cloister model sign llama --key other.key --force
chmod 600 other.key

expect_status 0 cloister model verify llama --key release.pub
has 'signed by release.pub, 2 files' <.out || fail "$(cat .out)"
[[ $(cloister model verify llama --key other.pub --key release.pub --json | json_get signer) == release.pub ]]
expect_error 4 'nobody trusts' cloister model verify llama --key other.pub
expect_error 2 'belong together' cloister model verify llama --root release.pub
expect_error 2 'but not both' cloister model verify llama --root release.pub --identity any --identity ci@example.org
expect_error 5 'none.sig' cloister model verify llama --key release.pub --signature none.sig

# A file that lists who counts, and until when.
printf '[[signer]]\nname = "release@acme"\nkey = "release.pub"\nuntil = 2001-01-01T00:00:00Z\n' >signers.toml
expect_error 7 'release@acme' cloister model verify llama --signers signers.toml
sed -i /until/d signers.toml
expect_status 0 cloister model verify llama --signers signers.toml
chmod 666 signers.toml
expect_error 4 'signers.toml' cloister model verify llama --signers signers.toml
chmod 644 signers.toml
chmod 666 release.pub
expect_error 4 'release.pub' cloister model verify llama --signers signers.toml
chmod 644 release.pub
expect_status 0 cloister model verify llama --signers signers.toml

# Added, changed, removed, swapped.
echo evil >llama/tokenizer.py
expect_status 3 cloister model verify llama --key release.pub
has '^not signed: tokenizer.py' <.out || fail "$(cat .out)"
expect_status 0 cloister model verify llama --key release.pub --ignore-unsigned-files
rm llama/tokenizer.py
cp -r llama changed
echo ' ' >>changed/config.json
expect_error 3 'changed: config.json' cloister model verify changed --key release.pub
cp -r llama short
rm short/weights/a.bin
expect_error 3 'missing: weights/a.bin' cloister model verify short --key release.pub
ln -s config.json llama/link
expect_error 4 'symbolic link' cloister model verify llama --key release.pub
rm llama/link
head -c 100 llama/model.sig >cut.sig
mkfifo pipe.sig
expect_error 4 'pipe.sig is no regular file' cloister model verify llama --key release.pub --signature pipe.sig
expect_error 3 'cut.sig' cloister model verify llama --key release.pub --signature cut.sig

# A signature elsewhere, something left out, and one file.
expect_status 0 cloister model sign changed --key other.key --signature changed.sig --ignore weights --ignore model.sig
expect_status 0 cloister model verify changed --key other.pub --signature changed.sig
has 'left out by its signer: .*weights' <.out || fail "$(cat .out)"
expect_error 2 'nobody could read' cloister model sign llama --key release.key --signature 'llama/model[1].sig'
expect_absent 'llama/model[1].sig'
expect_error 2 'wildcards' cloister model sign changed --key other.key --signature two.sig --ignore '*.bin'
expect_status 0 cloister model sign llama/config.json --key other.key
expect_status 0 cloister model verify llama/config.json --key other.pub
rm llama/config.json.sig

# Versions: what was withdrawn isn't loaded with its old signature, and an old ledger isn't taken.
versions=(--key release.pub --ledger llama.ledger --seen seen)
expect_status 0 cloister model ledger approve llama.ledger llama --version 1.0 --key release.key --seen own.seen
expect_error 6 'already' cloister model ledger approve llama.ledger llama --version 1.1 --key release.key --seen own.seen
expect_error 4 'nobody trusts' cloister model ledger approve llama.ledger changed --version 1.1 --signature changed.sig --key release.key --seen own.seen
expect_error 2 'belong together' cloister model verify llama --key release.pub --ledger llama.ledger
expect_status 0 cloister model verify llama "${versions[@]}"
expect_status 0 cloister model sign changed --key release.key --signature mine.sig --ignore weights --ignore model.sig
expect_error 4 'no version' cloister model verify changed --signature mine.sig "${versions[@]}"
# Another who counts doesn't say which of these versions do; nor does another model's ledger, which raises nothing.
expect_status 0 cloister model sign llama --key other.key --signature others.sig
expect_error 4 'signed by release.pub, and the model by other.pub' cloister model verify llama --signature others.sig --key other.pub "${versions[@]}"
expect_status 0 cloister model sign llama/config.json --key release.key --signature config.sig
expect_status 0 cloister model ledger approve config.ledger llama/config.json --signature config.sig --version 1 --key release.key --seen config.seen
expect_error 4 'is of config.json' cloister model verify llama --key release.pub --ledger config.ledger --seen seen
expect_status 0 cloister model verify llama "${versions[@]}"
cp llama.ledger old.ledger
expect_status 0 cloister model ledger withdraw llama.ledger --version 1.0 --reason 'poisoned data' --key release.key --seen own.seen
expect_error 5 'no version 3' cloister model ledger withdraw llama.ledger --version 3 --reason x --key release.key --seen own.seen
expect_error 4 'withdrawn: poisoned data' cloister model verify llama "${versions[@]}"
cp llama.ledger new.ledger
cp old.ledger llama.ledger
expect_error 4 'number 2 was seen' cloister model verify llama "${versions[@]}"
# Nor does the signer sign an old one anew, or begin again at 1 where it is gone.
change=(--version 2 --key release.key --seen own.seen)
expect_error 4 'number 2 was seen' cloister model ledger approve llama.ledger llama "${change[@]}"
expect_error 4 'number 2 was seen' cloister model ledger withdraw llama.ledger --reason x "${change[@]}"
expect_error 4 'is gone, and number 2' cloister model ledger approve none.ledger llama "${change[@]}"
expect_error 4 'is of config.json' cloister model ledger approve config.ledger llama "${change[@]}"
expect_error 2 'seen' cloister model ledger approve llama.ledger llama --version 2 --key release.key
expect_absent none.ledger
[[ $(cloister model ledger show old.ledger --key release.pub --json | json_get sequence) == 1 ]] || fail 'the number of a ledger'
expect_error 4 'nobody trusts' cloister model ledger show old.ledger --key other.pub

# What would run code, without running it.
mkdir files
python3 - <<'PYTHON'
import json, pickle, struct
class Evil:
    def __reduce__(self):
        return print, ("ran",)
pickle.dump(Evil(), open("files/evil.pkl", "wb"))
header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
open("files/good.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + bytes(8))
open("files/lies.safetensors", "wb").write(struct.pack("<Q", 1 << 63) + header + bytes(8))
PYTHON
expect_status 0 cloister model check files/good.safetensors
expect_status 4 cloister model check files
has 'imports builtins.print, and calls it' <.out || fail "$(cat .out)"
has "header can't be 9223372036854775808 bytes" <.out || fail "$(cat .out)"
has 'good.safetensors: safetensors, harmless' <.out || fail "$(cat .out)"
has '^ran' <.out && fail 'it ran'

# Signed, then sealed: opened only as far as it was signed.
expect_status 0 cloister init
expect_status 0 cloister tenant create acme
expect_status 0 cloister dataset create acme/llama
expect_status 0 cloister seal llama --dataset acme/llama
expect_status 0 cloister model open llama.sealed --signed-by release.pub
has '2 files, .* verified, signed by release.pub' <.out || fail "$(cat .out)"
has 'left out by its signer: .*model.sig' <.out || fail "$(cat .out)"
expect_status 0 cloister model open llama.sealed opened --signed-by release.pub
expect_same llama/weights/a.bin opened/weights/a.bin
expect_error 6 'config.json' cloister model open llama.sealed opened --signed-by release.pub
expect_error 4 'nobody trusts' cloister model open llama.sealed other --signed-by other.pub
expect_error 2 'nobody is trusted' cloister model open llama.sealed other
expect_error 2 'belong together' cloister model open llama.sealed other --signed-by release.pub --ledger old.ledger
expect_error 4 'number 2 was seen' cloister model open llama.sealed other --signed-by release.pub --ledger old.ledger --seen seen
expect_status 0 cloister model open llama.sealed --signed-by release.pub --ledger old.ledger --seen open.seen
expect_error 4 'withdrawn: poisoned data' cloister model open llama.sealed other --signed-by release.pub --ledger new.ledger --seen open.seen
expect_absent other
for change in added altered removed unsigned; do cp -r llama "$change"; done
echo x >added/extra.json
printf '{"layers": 3}\n' >altered/config.json
rm removed/config.json unsigned/model.sig
for change in added altered removed unsigned; do expect_status 0 cloister seal "$change" --dataset acme/llama; done
expect_error 3 'not signed: extra.json' cloister model open added.sealed out --signed-by release.pub
expect_error 3 'missing: config.json' cloister model open removed.sealed out --signed-by release.pub
expect_error 5 "isn't signed" cloister model open unsigned.sealed out --signed-by release.pub
expect_error 3 'config.json .*changed' cloister model open altered.sealed out --signed-by release.pub
expect_absent out/config.json
cloister audit list --limit 0 | has 'model.open.*begins: signed by release.pub' || fail 'opening a model leaves no record'
cloister audit list --limit 0 | has 'model.open.*ends: 2 files as signed' || fail 'a model that was opened leaves no record'
echo ok

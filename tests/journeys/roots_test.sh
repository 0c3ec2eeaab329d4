#!/usr/bin/env bash
# A platform moves its keys out of a file and into a token, and on to another: killed in the middle, gone on with, the
# old root really gone at the end; and no sealed byte touched.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/../cli/lib"

start_softhsm
token=(pkcs11 "module=$module" token=cloister key=root --pin-file pin)

tenants=()
for i in $(seq 12); do tenants+=("t$i"); done
cloister --quiet init
for tenant in "${tenants[@]}"; do
  cloister --quiet tenant create "$tenant"
  cloister --quiet dataset create "$tenant/data"
done
mkdir data sealed
for i in 1 2 3; do head -c $((i * 70000)) /dev/urandom >"data/t$i"; done
for i in 1 2 3; do cloister --quiet seal "data/t$i" "sealed/t$i.sealed" --dataset "t$i/data"; done
cloister --quiet key rotate --tenant t1
cloister --quiet key disable --tenant t1 --version 1

fingerprint() { (cd sealed && stat -c '%n %s %y' -- * && sha256sum -- *) | sha256sum; }
before=$(fingerprint)
all_open() {
  local i
  for i in 1 2 3; do cloister cat "sealed/t$i.sealed" | cmp -s - "data/t$i" || fail "t$i differs: $1"; done
  [[ $(fingerprint) == "$before" ]] || fail "sealed data was touched: $1"
}
under() { cloister --json root check "$1" | json_get kek_versions; }

# What can't be a root isn't taken.
expect_error 2 'needs token' cloister root add hsm pkcs11 "module=$module" key=root --pin-file pin
expect_error 2 'has no colour' cloister root add hsm "${token[@]}" colour=red
expect_error 2 'NAME=VALUE' cloister root add hsm pkcs11 module
expect_status 5 cloister root add hsm pkcs11 "module=$module" token=nosuch key=root --pin-file pin
expect_error 2 "root's name" cloister root add 'Not This' "${token[@]}"
expect_error 5 'no root hsm' cloister key move --all --to hsm
[[ $(cloister --json root list | json_get roots.0.root) == first ]] || fail 'the first root'

expect_status 0 cloister root add hsm "${token[@]}"
grep -q 123456 home/config.json && fail 'the PIN is in the configuration'
expect_error 6 'root hsm already' cloister root add hsm "${token[@]}"
expect_error 6 'is root hsm already' cloister root add twin "${token[@]}"
cloister root check hsm --empty | has 'nothing is under'
expect_error 4 'still needed' cloister root check first --empty
expect_error 2 'name a tenant' cloister key move --to hsm
expect_error 2 'name a tenant' cloister key move t1 --all --to hsm
expect_error 4 "the home's own" cloister root remove first

# Killed in the middle, again and again: each time what was moved stays moved, and everything opens. SoftHSM rewrites
# its token at every login, and killed then it leaves an empty one: that is put back, since no real token does it.
cp -a tokens tokens.saved
mend_token() {
  local file
  for file in tokens/*/token.object; do
    [[ -s $file ]] || cp -a "tokens.saved/${file#tokens/}" "$file"
  done
}
kills=0
for wait in 0.02 0.05 0.08 0.11 0.15 0.2; do
  "$CLOISTER" key move --all --to hsm >/dev/null 2>&1 &
  sleep $wait
  kill -KILL $! 2>/dev/null && kills=$((kills + 1))
  wait $! 2>/dev/null || true
  mend_token
  all_open "after a kill, $wait s"
  cloister audit verify >/dev/null || fail 'the audit after a kill'
  cloister root check hsm --open >/dev/null || fail 'what was moved opens'
done
echo "killed $kills times, $(under first) versions still under the first root"
cloister key move --all --to hsm | has 'there already\|moved 12 KEKs'
[[ $(under first) == 0 ]] || fail 'KEKs are still under the first root'
[[ $(under hsm) == 25 ]] || fail "$(under hsm) versions are under the token, not two for each tenant and one more"
expect_status 0 cloister key move --all --to hsm
all_open 'after the move'

# The home's own follows, and then the first root is nobody's.
expect_error 4 'still needed' cloister root check first --empty
cloister root default hsm | has 'nothing is under root first'
cloister root check first --empty | has 'nothing is under'
cloister audit key t1 >key.before
expect_status 0 cloister root remove first
expect_error 5 'no root first' cloister root check first
rm home/root.key
all_open 'without the first root'
cloister audit verify >/dev/null || fail 'the audit without the first root'
cloister audit key t1 | cmp - key.before || fail "the log's key changed"
expect_status 0 cloister tenant create late
expect_status 0 cloister key enable --tenant t1 --version 1
expect_status 0 cloister root check hsm --open
cloister --json audit list --limit 1000 | has 'kek.move'

# And back, under a passphrase this time.
printf 'correct horse\n' >phrase && chmod 600 phrase
expect_status 0 cloister root add vault software --passphrase-file phrase
expect_absent home/root.key
expect test "$(stat -c %a home/roots/vault.key)" = 600
expect_error 4 "the home's own" cloister root remove hsm
expect_status 0 cloister key move t1 --to vault
[[ $(cloister --json tenant show t1 | json_get versions.0.root) == file:* ]] || fail 't1 is under the file'
expect_status 0 cloister tenant create mixed --root vault
expect_error 4 'still' cloister root remove vault
# Each tenant needs its own root only; the home's own is needed by all.
mv phrase away
expect_error 4 'open root vault' cloister cat sealed/t1.sealed
cloister cat sealed/t2.sealed | cmp -s - data/t2 || fail 'another root is away, and t2 is stopped'
expect_error 5 'open root vault' cloister key move --all --to vault
mv away phrase
expect_status 0 cloister key move --all --to vault
expect_status 0 cloister root default vault
expect_status 0 cloister root remove hsm
rm -r tokens
all_open 'without the token'

# Another key in a root's place is told from it.
cloister --home other --quiet init
cp home/roots/vault.key saved.key
cp other/root.key home/roots/vault.key
expect_status 2 cloister cat sealed/t1.sealed
sed -i '/passphrase_file/d; s/"passphrase": "file",*/"passphrase": "none"/' home/config.json
expect_error 4 'what is there now is' cloister cat sealed/t1.sealed

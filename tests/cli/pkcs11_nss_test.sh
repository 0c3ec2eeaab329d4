#!/usr/bin/env bash
# A home whose root key is in NSS softoken, which takes its folder as text when it starts.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

module=''
for candidate in /usr/lib/*/libsoftokn3.so /usr/lib/*/nss/libsoftokn3.so /usr/lib/libsoftokn3.so; do
  [[ -r $candidate ]] && module=$candidate && break
done
if [[ -z $module ]] || ! command -v certutil >/dev/null; then
  echo 'skipped: libnss3 or its tools are not installed'
  exit 77
fi
mkdir database
printf 'correct-1234\n' >pin
chmod 600 pin
certutil -N -d "sql:$work/database" -f pin
parameters="configdir='sql:$work/database' certPrefix='' keyPrefix='' secmod='secmod.db' flags='' dbTokenDescription='cloister'"
token=(--pkcs11-module "$module" --pkcs11-token cloister --pkcs11-key root)

expect_error 2 'module parameters' cloister init --root pkcs11 "${token[@]}" --pkcs11-pin-file pin
expect test "$(wc -l <.err)" = 1
expect_absent home/config.json
expect_error 5 'nosuch' cloister init --root pkcs11 --pkcs11-module "$module" --pkcs11-token nosuch --pkcs11-key root --pkcs11-parameters "$parameters" --pkcs11-pin-file pin
printf 'wrong-1234\n' >wrong-pin && chmod 600 wrong-pin
expect_status 4 cloister init --root pkcs11 "${token[@]}" --pkcs11-parameters "$parameters" --pkcs11-pin-file wrong-pin
expect_absent home/config.json
expect_status 0 cloister init --root pkcs11 "${token[@]}" --pkcs11-parameters "$parameters" --pkcs11-pin-file pin
expect_absent home/root.key
grep -q correct home/config.json && fail 'the PIN is in the configuration'

expect_status 0 cloister tenant create acme
expect_status 0 cloister dataset create acme/data
head -c 500000 /dev/urandom >file
expect_status 0 cloister seal file --dataset acme/data
cloister cat file.sealed | cmp - file || fail 'differs'
expect_status 0 cloister key rotate --tenant acme
cloister cat file.sealed | cmp - file || fail 'differs after a rotation'

# Without the parameters, or with another folder's, the root isn't found.
cp home/config.json saved
sed -i '/"parameters"/d' home/config.json
expect_error 2 'module parameters' cloister cat file.sealed
sed "s#$work/database#$work/user#" saved >home/config.json
expect_error 4 'no user PIN' cloister cat file.sealed
cp saved home/config.json
expect_status 0 cloister cat file.sealed

# An object sealed to a token's key needs no home.
named=("${token[@]}" --pkcs11-parameters "$parameters" --pkcs11-pin-file pin)
expect_status 0 cloister --home elsewhere seal file t.sealed --tenant acme "${named[@]}"
cloister --home elsewhere cat t.sealed "${named[@]}" | cmp - file || fail 'differs under the token'
expect_error 2 'module parameters' cloister --home elsewhere cat t.sealed "${token[@]}" --pkcs11-pin-file pin
expect_error 2 'belong together' cloister --home elsewhere cat t.sealed --pkcs11-parameters "$parameters"

#!/usr/bin/env bash
# A home whose root key is in a token (SoftHSM2), and objects sealed to a token's key.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

start_softhsm
token=(--pkcs11-module "$module" --pkcs11-token cloister)

expect_error 2 'needs --pkcs11-module' cloister init --root pkcs11
expect_error 5 'nosuch' cloister init --root pkcs11 --pkcs11-module "$module" --pkcs11-token nosuch --pkcs11-key root --pkcs11-pin-file pin
expect_absent home/config.json
printf '999999\n' >wrong-pin && chmod 600 wrong-pin
expect_status 4 cloister init --root pkcs11 "${token[@]}" --pkcs11-key root --pkcs11-pin-file wrong-pin
expect_absent home/config.json
expect_status 0 cloister init --root pkcs11 "${token[@]}" --pkcs11-key root --pkcs11-pin-file pin
expect_absent home/root.key
grep -q 123456 home/config.json && fail 'the PIN is in the configuration'

expect_status 0 cloister tenant create acme
expect_status 0 cloister dataset create acme/data
head -c 500000 /dev/urandom >file
expect_status 0 cloister seal file --dataset acme/data
cloister cat file.sealed | cmp - file || fail 'differs'
expect_status 0 cloister key rotate --tenant acme
cloister cat file.sealed | cmp - file || fail 'differs after a rotation'

# Another token's key of the same name isn't the root this home was made with.
softhsm2-util --init-token --free --label second --pin 123456 --so-pin 654321 >/dev/null
expect_status 0 cloister --home second init --root pkcs11 --pkcs11-module "$module" --pkcs11-token second --pkcs11-key root --pkcs11-pin-file pin
sed -i 's/"token": "cloister"/"token": "second"/' home/config.json
expect_status 4 cloister cat file.sealed
sed -i 's/"token": "second"/"token": "cloister"/' home/config.json
expect_status 0 cloister cat file.sealed
mv pin gone
expect_status 5 cloister cat file.sealed
mv gone pin

# An object sealed to a token's key needs no home.
named=("${token[@]}" --pkcs11-key root --pkcs11-pin-file pin)
expect_status 0 cloister --home elsewhere seal file t.sealed --tenant acme "${named[@]}"
cloister --home elsewhere cat t.sealed "${named[@]}" | cmp - file || fail 'differs under the token'
expect_status 4 cloister --home elsewhere cat t.sealed
expect_error 2 'belong together' cloister --home elsewhere cat t.sealed --pkcs11-module "$module"
expect_status 5 cloister --home elsewhere cat t.sealed "${token[@]}" --pkcs11-key nosuch --pkcs11-pin-file pin
on_terminal '123456' "$CLOISTER" --home elsewhere open t.sealed out "${token[@]}" --pkcs11-key root >shown
grep -q 123456 shown && fail 'the PIN was echoed'
expect_same file out

#!/usr/bin/env bash
# Keys that aren't a dataset's: passphrases, identities, key files, tokens; without any home.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

head -c 100000 /dev/urandom >file
expect_error 2 'no key was named' cloister seal file
expect_error 2 'no key was named' cloister seal file --tenant acme

# Passphrases: from a file that is ours alone, from a descriptor, from the terminal.
printf 'correct horse\n' >phrase
expect_error 4 'chmod 600' cloister seal file a.sealed --tenant acme --passphrase-file phrase
chmod 600 phrase
expect_status 0 cloister seal file a.sealed --tenant acme --passphrase-file phrase
cloister cat a.sealed --passphrase-file phrase | cmp - file || fail 'differs'
cloister cat a.sealed --passphrase-file <(echo 'correct horse') | cmp - file || fail 'differs by descriptor'
echo 'correct horse' | cloister cat a.sealed --passphrase-file - | cmp - file || fail 'differs by standard input'
expect_error 4 'passphrase is wrong' cloister cat a.sealed --passphrase-file <(echo 'wrong horse')
expect_error 4 'no key here opens it' cloister cat a.sealed
printf short >short && chmod 600 short
expect_status 2 cloister seal file b.sealed --tenant acme --passphrase-file short
expect_absent b.sealed
shown=$(on_terminal 'correct horse|correct horse' "$CLOISTER" seal file typed.sealed --tenant acme --passphrase)
[[ $shown != *horse* ]] || fail 'the passphrase was echoed'
cloister cat typed.sealed --passphrase-file phrase | cmp - file || fail 'differs as typed'
expect_status 2 on_terminal 'correct horse|another horse' "$CLOISTER" seal file other.sealed --tenant acme --passphrase
expect_absent other.sealed
on_terminal 'correct horse' "$CLOISTER" open typed.sealed typed >/dev/null
expect_same file typed
expect_error 2 'terminal' setsid "$CLOISTER" open typed.sealed typed2 --passphrase

# Identities of both kinds.
for kem in x25519 xwing; do
  cloister identity new $kem.key --kem $kem >$kem.pub
  expect test "$(stat -c %a $kem.key)" = 600
  expect test "$(cloister identity show $kem.key)" = "$(cat $kem.pub)"
  expect_error 6 "$kem.key" cloister identity new $kem.key
  expect_status 0 cloister seal file $kem.sealed --tenant acme --recipient "$(cat $kem.pub)"
  cloister cat $kem.sealed --identity $kem.key | cmp - file || fail "$kem differs"
done
expect_status 4 cloister cat x25519.sealed --identity xwing.key
expect_error 2 'recipient' cloister seal file c.sealed --tenant acme --recipient cloister-recipient-x25519:AAAA
expect_error 2 'private key' cloister seal file c.sealed --tenant acme --recipient cloister-identity-x25519:00
chmod 644 x25519.key
expect_error 4 'chmod 600' cloister cat x25519.sealed --identity x25519.key
printf 'nonsense\n' >bad.key && chmod 600 bad.key
expect_error 2 "isn't a Cloister identity" cloister cat x25519.sealed --identity bad.key

# Key files, plain and under a passphrase.
expect_status 0 cloister key-file new plain.key
expect_status 0 cloister key-file new locked.key --passphrase-file phrase
expect_status 6 cloister key-file new plain.key
expect_status 0 cloister seal file k.sealed --tenant acme --software-key plain.key
cloister cat k.sealed --software-key plain.key | cmp - file || fail 'differs under a key file'
expect_status 4 cloister cat k.sealed --software-key locked.key --software-key-passphrase-file phrase
expect_status 0 cloister seal file l.sealed --tenant acme --software-key locked.key --software-key-passphrase-file phrase
cloister cat l.sealed --software-key locked.key --software-key-passphrase-file phrase | cmp - file || fail 'differs under a locked key file'
expect_error 2 'terminal' setsid "$CLOISTER" cat l.sealed --software-key locked.key
shown=$(on_terminal 'correct horse' "$CLOISTER" open l.sealed typed-key --software-key locked.key)
[[ $shown == *'passphrase of locked.key'* && $shown != *horse* ]] || fail 'nobody asks for the passphrase of a key file'
expect_same file typed-key
expect_status 4 on_terminal 'another horse' "$CLOISTER" open l.sealed nothing --software-key locked.key
expect_absent nothing
expect_error 2 'one or the other' cloister key-file new both.key --passphrase --passphrase-file phrase
expect_absent both.key

# Several ways in at once: each of them alone opens it.
expect_status 0 cloister seal file many.sealed --tenant acme --recipient xwing.pub --passphrase-file phrase --software-key plain.key
for key in '--identity xwing.key' '--passphrase-file phrase' '--software-key plain.key'; do
  # shellcheck disable=SC2086
  cloister cat many.sealed $key | cmp - file || fail "$key differs"
done

# Options of keys may be repeated, each with one value: what follows is a positional.
cloister identity new third.key >third.pub
cloister identity new unrelated.key >/dev/null
expect_status 0 cloister seal file two.sealed --tenant acme --recipient xwing.pub --recipient third.pub
for key in xwing third; do cloister cat two.sealed --identity $key.key | cmp - file || fail "$key.key differs"; done
expect_status 4 cloister cat two.sealed --identity unrelated.key
cloister cat --identity unrelated.key --identity third.key two.sealed two.sealed | cmp - <(cat file file) || fail 'two identities before two positionals differ'
expect_status 0 cloister seal --tenant acme --recipient xwing.pub file before.sealed
expect_status 0 cloister open --identity xwing.key before.sealed before
expect_same file before
printf 'another phrase\n' >phrase2 && chmod 600 phrase2
expect_status 0 cloister seal --tenant acme --passphrase-file phrase --passphrase-file phrase2 file phrases.sealed
cloister cat --passphrase-file phrase2 phrases.sealed | cmp - file || fail 'the second passphrase differs'
expect_status 0 cloister key-file new second.key
expect_status 0 cloister seal --tenant acme --software-key plain.key --software-key second.key file keys.sealed
cloister cat --software-key second.key keys.sealed | cmp - file || fail 'the second key file differs'
expect_status 0 cloister rekey two.sealed --identity third.key --recipient xwing.pub --recipient third.pub --drop-slots
for key in xwing third; do cloister cat two.sealed --identity $key.key | cmp - file || fail "$key.key differs"; done
for verb in seal open rekey; do
  cloister help $verb | tr -s ' \n' ' ' | has 'may be repeated' || fail "help $verb doesn't say what may be repeated"
done

# A root key under a passphrase.
expect_status 0 cloister init --root-passphrase-file phrase
expect_status 0 cloister tenant create acme
grep -q horse home/config.json && fail 'the passphrase is in the configuration'
mv phrase gone
expect_status 5 cloister tenant create other
printf 'incorrect horse\n' >phrase && chmod 600 phrase
expect_status 4 cloister tenant create other
expect_status 0 cloister tenant list
mv gone phrase
expect_status 0 cloister tenant create other
on_terminal 'a typed phrase|a typed phrase' "$CLOISTER" --home asked init --root-passphrase >/dev/null
on_terminal 'a typed phrase' "$CLOISTER" --home asked tenant create acme | has 'created tenant' || fail 'the typed phrase opens nothing'
expect_status 4 on_terminal 'another phrase' "$CLOISTER" --home asked tenant create globex

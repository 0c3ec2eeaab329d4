#!/usr/bin/env bash
# store anchor: an older store that is put back is refused, with the destroyed key that it would bring back or without.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

expect_status 0 cloister init
expect_status 0 cloister tenant create acme
expect_status 0 cloister dataset create acme/corpus
cloister store show | has 'no anchor'
mkdir elsewhere

expect_error 2 'in the home' cloister store anchor "$CLOISTER_HOME/anchor"
expect_error 2 'root of the file system' cloister store anchor elsewhere/anchor
expect_error 2 'name the anchor' cloister store anchor
expect_status 0 cloister store anchor "$work/elsewhere/anchor"
cloister store show | has "$work/elsewhere/anchor"
cloister audit list | has 'store.anchor'
[[ $(stat -c %a elsewhere/anchor) == 600 ]] || fail 'others may read the anchor'

# Everything goes on, and the anchor with it.
echo secret >plain
expect_status 0 cloister seal plain old.sealed --dataset acme/corpus
cp "$CLOISTER_HOME/keys.db" older.db
before=$(cat elsewhere/anchor)
expect_status 0 cloister key rotate --tenant acme
[[ $(cat elsewhere/anchor) != "$before" ]] || fail 'the anchor stood still'
expect_status 0 cloister key destroy --tenant acme --version 1 --immediately --reason leak --confirm acme/1
grep -q '^kek acme ' elsewhere/anchor || fail "$(cat elsewhere/anchor)"
expect_status 0 cloister cat old.sealed

# The store of before, as a restore puts it back.
cp "$CLOISTER_HOME/keys.db" newer.db
cp older.db "$CLOISTER_HOME/keys.db"
rm -f "$CLOISTER_HOME"/keys.db-*
expect_error 4 'older copy' cloister cat old.sealed
expect_error 4 'older copy' cloister tenant list
cp newer.db "$CLOISTER_HOME/keys.db"
expect_status 0 cloister cat old.sealed

# Without the file nobody can tell, and nobody goes on.
mv elsewhere/anchor gone
expect_error 5 anchor cloister tenant list
expect_status 0 cloister store anchor "$work/elsewhere/anchor"
grep -q '^kek acme ' elsewhere/anchor || fail 'what was destroyed is forgotten'
expect_status 0 cloister tenant list
expect_status 0 cloister store anchor --remove
rm elsewhere/anchor
expect_status 0 cloister tenant list

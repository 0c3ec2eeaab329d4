#!/usr/bin/env bash
# verify: the exit status, one path or many: 3 for what was looked at and is wrong, before all else.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
make_home

head -c 300000 /dev/urandom >file
cloister --quiet seal file good.sealed --dataset acme/data
cp good.sealed bad.sealed
flip bad.sealed 100000
printf 'long enough\n' >phrase && chmod 600 phrase
cloister --quiet --home elsewhere seal file locked.sealed --tenant stranger --passphrase-file phrase

expect_status 0 cloister verify good.sealed
expect_error 3 '1 finding' cloister verify bad.sealed
expect_error 4 '1 finding' cloister verify locked.sealed
expect_error 5 '1 finding' cloister verify nowhere.sealed
expect_error 2 '1 finding' cloister verify -

# Wrong beats unseen, in any order; of several unseen the highest.
expect_status 3 cloister verify locked.sealed bad.sealed nowhere.sealed
expect_status 3 cloister verify bad.sealed nowhere.sealed locked.sealed
expect test "$(grep -c '^finding: ' .out)" = 3
expect_status 5 cloister verify nowhere.sealed locked.sealed good.sealed
expect_status 5 cloister verify locked.sealed nowhere.sealed
expect_status 0 cloister verify good.sealed locked.sealed --passphrase-file phrase

# What holds nothing sealed was looked at; so was a directory without its manifest.
expect_error 3 '1 finding' cloister verify file
cp good.sealed magic.sealed && flip magic.sealed 1
expect_status 3 cloister verify magic.sealed
mkdir tree && echo x >tree/x && cloister --quiet seal tree --dataset acme/data
expect_status 0 cloister verify tree.sealed
rm tree.sealed/manifest.sealed
expect_status 3 cloister verify tree.sealed

cloister --json verify bad.sealed locked.sealed >reply 2>err && fail 'nothing found'
expect test "$(json_get findings.0.code <reply)" = corrupt
expect test "$(json_get findings.1.code <reply)" = denied
expect test "$(json_get error.code <err)" = corrupt
cloister audit list --limit 2 | has 'object.verify.*refused.*1 finding' || fail 'no row for a finding'

# A finding that isn't on record is said; a clean bill isn't given without its row.
chmod 666 home/keys.db
expect_error 4 'finding' cloister verify locked.sealed
grep -q 'open the audit log' .out || fail 'nobody says that the log could not be written'
expect_error 4 'open the audit log' cloister verify locked.sealed --passphrase-file phrase
cp locked.sealed hurt.sealed && flip hurt.sealed 100000
expect_error 3 '2 findings' cloister verify hurt.sealed --passphrase-file phrase
grep -q 'open the audit log' .out || fail 'nobody says that the log could not be written'
chmod 600 home/keys.db

#!/usr/bin/env bash
# rewrap and rekey: slots come and go, data stays or is sealed anew, readers and other writers at the same time.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
make_home

head -c 2000000 /dev/urandom >file
cloister --quiet seal file --dataset acme/data
cloister identity new auditor.key --kem x25519 >auditor.pub
auditor=$(cloister --json identity show auditor.key | json_get key_id)

# A second way in, and out again.
expect_status 4 cloister --home elsewhere cat file.sealed --identity auditor.key
expect_status 0 cloister rewrap file.sealed --add-recipient auditor.pub
cloister --home elsewhere cat file.sealed --identity auditor.key | cmp - file || fail 'the auditor reads something else'
expect_error 5 'no such slot' cloister rewrap file.sealed --remove-key x25519:0000000000000000
expect_status 0 cloister rewrap file.sealed --remove-key "$auditor"
expect_status 4 cloister --home elsewhere cat file.sealed --identity auditor.key
expect_error 2 '' cloister rewrap file.sealed --remove-type dataset-key
cloister cat file.sealed | cmp - file || fail 'the owner reads something else'
printf 'long enough\n' >phrase && chmod 600 phrase
expect_status 0 cloister rewrap file.sealed --add-passphrase-file phrase
cloister --home elsewhere cat file.sealed --passphrase-file phrase | cmp - file || fail 'the passphrase opens something else'
expect_status 4 cloister rewrap file.sealed --dataset globex/data
expect_status 5 cloister rewrap nothere
expect_error 2 'nothing under' cloister rewrap home

# Several keys: each brings its own slots up to date, and one that has none here is no obstacle.
(umask 077 && "$CLOISTER" key-file new spare.key && "$CLOISTER" key-file new other.key)
cloister --quiet seal file two.sealed --dataset acme/data --software-key spare.key
cloister --quiet dataset rotate-key acme/data
cloister --json rewrap two.sealed --dataset acme/data --software-key other.key --software-key spare.key >reply
expect test "$(json_get slots_changed <reply)" = 1
expect_status 4 cloister --home elsewhere rewrap two.sealed --software-key other.key

# While somebody else holds the file's lock, rewrap steps back.
cloister --quiet dataset rotate-key acme/data
flock file.sealed sleep 2 &
sleep 0.3
expect_error 9 'file.sealed' cloister rewrap file.sealed
wait
expect_status 0 cloister rewrap file.sealed

# Many at once: each object is rewrapped once, and all open by the new key alone.
mkdir many
for i in $(seq 1 200); do printf '%s' "$i" >"many/$i"; done
cloister --quiet seal many --dataset acme/data
cloister --quiet dataset rotate-key acme/data
expect test "$(cloister --json rewrap many.sealed | json_get slots_changed)" = 201
expect test "$(cloister --json rewrap many.sealed | json_get slots_changed)" = 0
expect_status 0 cloister rewrap file.sealed
cloister --quiet dataset disable-key acme/data --version 2
expect_status 0 cloister verify many.sealed

# rekey: another object id, the same payload, the old file for those who have it open.
before=$(cloister --json inspect file.sealed | json_get unauthenticated.object_id)
expect_error 2 'would be lost: passphrase' cloister rekey file.sealed
exec 7<file.sealed
cloister rekey file.sealed --passphrase-file phrase | has '^cost: 1 object' || fail 'no cost line'
after=$(cloister --json inspect file.sealed | json_get unauthenticated.object_id)
expect test "$before" != "$after"
cat <&7 >old.sealed
exec 7<&-
cloister cat old.sealed | cmp - file || fail 'the old object differs'
cloister cat file.sealed | cmp - file || fail 'the re-keyed object differs'
cloister --home elsewhere cat file.sealed --passphrase-file phrase | cmp - file || fail 'the passphrase slot was lost'
expect_status 0 cloister rekey file.sealed --drop-slots
expect_status 4 cloister --home elsewhere cat file.sealed --passphrase-file phrase

# Readers while an object is re-keyed over and over: every one sees the whole payload.
(for _ in $(seq 1 15); do cloister --quiet rekey file.sealed; done) &
rekeying=$!
while kill -0 $rekeying 2>/dev/null; do
  cloister cat file.sealed | cmp - file || fail 'a reader saw something else'
done
wait $rekeying

# Directories.
cloister rekey many.sealed | has '200 objects' || fail 'not every object was re-keyed'
expect_status 0 cloister verify many.sealed
expect_error 2 'belongs to the sealed directory' cloister rekey many.sealed/7.sealed
expect_status 0 cloister open many.sealed opened
diff -r many opened || fail 'the trees differ'

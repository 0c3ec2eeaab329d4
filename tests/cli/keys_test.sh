#!/usr/bin/env bash
# tenant, key, dataset: making, rotating, disabling, destroying, handing on; and tenants that stay apart.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

expect_error 5 'cloister init' cloister tenant list
expect_status 0 cloister init
expect test "$(stat -c %a home)" = 700
expect test "$(stat -c %a home/root.key)" = 600
expect test "$(stat -c %a home/config.json)" = 600
expect_error 6 'home already' cloister init

expect_status 0 cloister tenant create acme --rotate-after 30
expect_error 6 'acme' cloister tenant create acme
expect_status 0 cloister tenant create acme/production
expect_status 0 cloister tenant create globex
for name in '' 'a/b/c' 'UPPER' '../x' 'a b'; do expect_status 2 cloister tenant create "$name"; done
expect_error 5 'nobody' cloister tenant show nobody
cloister tenant list | has 'every 30 days' || fail 'no rotation period'
expect_status 0 cloister tenant set-rotation acme
cloister tenant show acme | has 'by hand' || fail 'the rotation period stays'

expect_status 0 cloister dataset create acme/data
expect_status 0 cloister dataset create acme/production/data
expect_status 0 cloister dataset create globex/data
expect_error 6 'acme/data' cloister dataset create acme/data
expect_error 5 'nobody' cloister dataset create nobody/data
expect test "$(cloister --json dataset list acme | json_get datasets.0.dataset)" = acme/data

head -c 200000 /dev/urandom >file
for owner in acme/data acme/production/data globex/data; do
  cloister --quiet seal file "${owner//\//-}.sealed" --dataset "$owner"
done
digest=$(sha256sum acme-data.sealed)

# A wrong tenant, environment or dataset opens nothing.
for wrong in globex/data acme/production/data; do
  expect_error 4 'no key here opens it' cloister cat acme-data.sealed --dataset "$wrong"
done
expect_error 5 'acme/nothing' cloister cat acme-data.sealed --dataset acme/nothing
expect_error 4 'no key here opens it' cloister --home elsewhere cat acme-data.sealed
# Slots moved to another tenant's object: asked, and refused by authentication.
cp acme-data.sealed forged.sealed
dd if=globex-data.sealed of=forged.sealed bs=4096 skip=1 seek=1 count=2 conv=notrunc status=none
expect_status 4 cloister cat forged.sealed --dataset globex/data
expect_status 4 cloister cat forged.sealed

# KEK rotation: keyrings only; objects stay as they are, and open.
cloister --json key rotate --tenant acme >reply
expect test "$(json_get version <reply)" = 2
expect test "$(json_get cost.bytes_written <reply)" -lt 200000
cloister key rotate --tenant acme | has '^cost: ' || fail 'no cost line'
expect test "$digest" = "$(sha256sum acme-data.sealed)"
expect_status 0 cloister verify acme-data.sealed
cloister key rotate-due | has 'no KEK is due' || fail 'something is due'

# Each change says what it cost.
costs() { "$CLOISTER" "$@" | has '^cost: 1 object touched, [0-9.]* [KM]iB written' || fail "'$*' doesn't say what it cost"; }
costs tenant create hooli
costs dataset create hooli/data
costs dataset export hooli/data hooli.keyring --recipient "$(cloister identity new hooli.key)"
costs key disable --tenant hooli --version 1
costs key enable --tenant hooli --version 1
costs key schedule-destroy --tenant hooli --version 1
costs key cancel-destroy --tenant hooli --version 1
costs key enable --tenant hooli --version 1
costs dataset rotate-key hooli/data
costs dataset disable-key hooli/data --version 1
costs dataset enable-key hooli/data --version 1
costs dataset destroy-key hooli/data --version 1 --confirm hooli/data/1
export CLOISTER_HOME=$work/second
cloister --quiet init
cloister --quiet tenant create hooli
costs dataset import hooli.keyring --identity hooli.key
export CLOISTER_HOME=$work/home
expect test "$(cloister --json dataset recipient add hooli/data | json_get cost.objects_touched)" = 1
expect test "$(cloister dataset recipient add hooli/data | wc -l)" = 1

# The newest KEK disabled: its datasets are shut; enabled: open again.
expect_status 0 cloister key disable --tenant acme --version 3
expect_error 4 'disabled' cloister cat acme-data.sealed
expect_status 0 cloister cat globex-data.sealed
expect_status 0 cloister key enable --tenant acme --version 3
expect_status 0 cloister cat acme-data.sealed
expect_error 5 '9' cloister key disable --tenant acme --version 9

# Destruction waits, can be cancelled, and is final.
expect_error 2 '7 days' cloister key schedule-destroy --tenant globex --version 1 --wait 6
cloister key schedule-destroy --tenant globex --version 1 --wait 7 | has '^1 dataset is unreadable' || fail 'nobody says what becomes unreadable'
expect_error 4 'scheduled' cloister cat globex-data.sealed
expect_error 4 "isn't due" cloister key destroy --tenant globex --version 1
expect_status 0 cloister key cancel-destroy --tenant globex --version 1
expect_status 0 cloister key enable --tenant globex --version 1
expect_status 0 cloister cat globex-data.sealed
expect_error 2 'confirm' cloister key destroy --tenant globex --version 1 --immediately
grep -q '1 dataset here' .err || fail 'nobody says what would become unreadable'
expect_error 2 'confirm' cloister key destroy --tenant globex --version 1 --immediately --reason leak --confirm globex/2
expect_error 2 'immediately' cloister key destroy --tenant globex --version 1 --reason leak
expect_status 0 cloister key destroy --tenant globex --version 1 --immediately --reason leak --confirm globex/1
grep -q '1 dataset here' .out || fail 'nobody says what became unreadable'
cloister key rotate --tenant globex | has '^1 dataset is unreadable' || fail 'nobody says what a rotation left behind'
expect test "$(cloister --json key rotate --tenant globex | json_get datasets_unreadable)" = 1
expect_error 4 'destroyed' cloister cat globex-data.sealed
expect_status 4 cloister key enable --tenant globex --version 1
cloister audit list --limit 0 | has leak || fail 'the reason is not on record'

# Dataset keys: rotate, rewrap, disable the old version.
cp acme-data.sealed old.sealed
expect_status 0 cloister dataset rotate-key acme/data
expect_status 0 cloister dataset disable-key acme/data --version 1
expect_status 4 cloister cat acme-data.sealed
expect_error 2 '' cloister dataset disable-key acme/data --version 2
expect_status 0 cloister dataset enable-key acme/data --version 1
cloister --json rewrap acme-data.sealed >reply
expect test "$(json_get slots_changed <reply)" = 1
expect test "$(json_get cost.bytes_written <reply)" = 4096
expect_status 0 cloister dataset disable-key acme/data --version 1
cloister cat acme-data.sealed | cmp - file || fail 'a rewrapped object differs'
expect_status 4 cloister cat old.sealed

# A dataset key destroyed: not the newest, not without its name, and for good.
cloister --quiet seal file twice.sealed --dataset acme/data
cp twice.sealed left.sealed
expect_status 0 cloister dataset rotate-key acme/data
expect_status 0 cloister rewrap twice.sealed
expect_error 2 'confirm' cloister dataset destroy-key acme/data --version 2
expect_error 2 'confirm' cloister dataset destroy-key acme/data --version 2 --confirm acme/data/1
expect_error 2 'primary' cloister dataset destroy-key acme/data --version 3 --confirm acme/data/3
expect_error 5 'no dataset key' cloister dataset destroy-key acme/data --version 9 --confirm acme/data/9
cloister cat left.sealed | cmp - file || fail 'an object under the old key differs'
expect_status 0 cloister rewrap acme-data.sealed
expect_status 0 cloister dataset destroy-key acme/data --version 2 --confirm acme/data/2
cloister dataset show acme/data | has '2 .*destroyed' || fail 'the version is not destroyed'
expect_status 4 cloister cat left.sealed
for object in twice acme-data; do cloister cat $object.sealed | cmp - file || fail 'a rewrapped object differs'; done
expect_error 4 'destroyed' cloister dataset destroy-key acme/data --version 2 --confirm acme/data/2
expect_error 4 'destroyed' cloister dataset enable-key acme/data --version 2

# Rotation by age tells what it did, also when a tenant fails.
cp -r home due
python3 - <<'PY'
import sqlite3
store = sqlite3.connect("due/keys.db")
store.execute("UPDATE kek_versions SET created_ms = created_ms - 40 * 86400000")
store.execute("UPDATE datasets SET keyring = zeroblob(200) WHERE tenant_id = "
              "(SELECT id FROM tenants WHERE tenant = 'acme' AND environment = '')")
store.commit()
PY
cloister --quiet --home due tenant set-rotation acme --rotate-after 30
cloister --quiet --home due tenant set-rotation acme/production --rotate-after 30
expect_error 2 'rotate the KEK of acme' cloister --home due key rotate-due
grep -q '^rotated the KEK of acme/production' .out || fail 'nobody says what was rotated beside the failure'
cloister --json --home due key rotate-due >reply 2>err && fail 'rotate-due fails no more'
expect test "$(json_get rotated <reply)" = '[]'
python3 -m json.tool err >/dev/null

# A keyring that travels.
(umask 077 && cloister identity new partner.key >partner.pub)
expect_error 2 'whom' cloister dataset export acme/data x.keyring
expect_status 0 cloister dataset export acme/data data.keyring --recipient partner.pub
expect_error 6 'data.keyring' cloister dataset export acme/data data.keyring --recipient partner.pub
cloister inspect data.keyring | has 'an exported keyring' || fail 'a keyring is not recognised'
export CLOISTER_HOME=$work/partner
expect_status 0 cloister init
expect_error 4 'no key here opens it' cloister cat acme-data.sealed
expect_status 5 cloister dataset import data.keyring --identity partner.key
expect_status 0 cloister tenant create acme
cloister identity new other.key >/dev/null
expect_status 4 cloister dataset import data.keyring --identity other.key
expect_status 0 cloister dataset import data.keyring --identity partner.key
expect_error 6 'acme/data' cloister dataset import data.keyring --identity partner.key
cloister cat acme-data.sealed | cmp - file || fail 'the partner reads something else'
export CLOISTER_HOME=$work/home

# The audit log: whole, with refusals, and a change in it is noticed.
expect_status 0 cloister audit verify
cloister --json audit list --limit 0 >rows
python3 - <<'PY' || fail 'the audit log lacks refusals or actors'
import json
rows = json.load(open("rows"))["rows"]
assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
assert {"allowed", "refused"} <= {row["outcome"] for row in rows}
assert all(row["actor"].startswith("uid:") for row in rows)
assert any(row["action"] == "object.cat" and row["outcome"] == "refused" and row["tenant"] for row in rows)
PY

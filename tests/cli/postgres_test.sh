#!/usr/bin/env bash
# Keys in PostgreSQL: a home made there, a home moved there, two machines with one store, and what is refused.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/postgres_lib
source "$(dirname "${BASH_SOURCE[0]}")/postgres_lib"

server=$(mktemp -d /tmp/cloister-pg.XXXXXX)
status=0
start_postgres "$server" || status=$?
trap 'status=$?; stop_postgres; rm -rf "$work" "$server" "$server.out"; exit $status' EXIT
[[ $status == 0 ]] || exit $status
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD

make_home
head -c 100000 /dev/urandom >plain
cloister --quiet seal plain --dataset acme/data
cp -r home before

umask 077
printf '# the key store\nhost=%s\nport=5432\nuser=postgres dbname=postgres\n' "$server" >connection

# What is refused before anything happens.
expect_error 2 'schema' cloister store migrate --to connection --schema 'Keys;'
expect_error 5 'absent' cloister store migrate --to absent
chmod 644 connection
expect_error 4 'connection' cloister store migrate --to connection
chmod 600 connection
printf 'host=/nowhere password=hunter2\n' >wrong
expect_error 9 '/nowhere' cloister store migrate --to wrong
grep -q hunter2 .out .err && fail 'a password is printed'
printf 'host=db.example.com sslmode=require password=hunter2\n' >unsafe
expect_error 4 'verify-full' cloister store migrate --to unsafe
grep -q hunter2 .out .err && fail 'a password is printed'
PGPASSWORD=hunter2 expect_error 4 'PGPASSWORD' cloister store migrate --to connection
expect_status 0 cloister cat plain.sealed

# Moved: same keys, same audit, nothing left behind that works.
rows=$(cloister --json audit verify | json_get rows)
cloister --json store migrate --to connection >reply
expect test "$(json_get tables.1.table <reply)" = tenants
expect test "$(json_get tables.1.rows <reply)" = 2
expect test "$(json_get audit_rows <reply)" = "$((rows))"
expect test "$(cloister --json audit verify | json_get rows)" = "$((rows + 1))"
cloister audit list --limit 1 | grep -q 'store.move' || fail 'the move has no row'
cloister cat plain.sealed | cmp - plain || fail 'a moved key opens nothing'
cloister store show | grep -q 'PostgreSQL, schema cloister' || fail 'nobody says where the store is'
expect_error 6 'already' cloister store migrate --to connection
expect_error 4 'moved to PostgreSQL' cloister --home "$(cp home/keys.db before/keys.db && echo before)" tenant list
python3 - <<'PY'
import json
config = json.load(open("home/config.json"))
assert config["version"] == 2 and "hunter2" not in json.dumps(config)
PY

# An interruption after the old store was marked: the same command finishes.
cp before/config.json home/config.json
expect_error 4 'moved to PostgreSQL' cloister tenant list
expect_status 0 cloister store migrate --to connection
cloister cat plain.sealed | cmp - plain || fail 'a resumed move opens nothing'

# Two machines: the home copied, one store.
cp -r home second
expect_status 0 cloister --home second key rotate --tenant acme
cloister cat plain.sealed | cmp - plain || fail "the other machine's rotation is not seen"
expect_status 0 cloister key rotate --tenant acme
expect test "$(cloister --home second --json tenant show acme | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["versions"]))')" = 3
expect_status 0 cloister --home second audit verify

# A home made there, by file and by environment.
expect_status 0 cloister --home third init --store-postgres connection --store-schema third
expect_status 0 cloister --home third tenant create acme
expect_error 6 'set up already' cloister --home fourth init --store-postgres connection --store-schema third
expect_absent fourth/root.key
export PGHOST=$server PGUSER=postgres PGDATABASE=postgres
expect_status 0 cloister --home fifth init --store-postgres environment --store-schema fifth
expect_status 0 cloister --home fifth tenant create acme
unset PGHOST PGUSER PGDATABASE
expect_status 9 cloister --home fifth tenant list

# Without a standby where one is required.
expect_error 2 'belongs to' cloister --home sixth init --require-standby
expect_error 9 'synchronous_standby_names' cloister --home sixth init --store-postgres connection --store-schema sixth --require-standby

# A configuration that was tampered with isn't guessed at.
sed -i 's/"version": 2/"version": 1/' home/config.json
expect_error 2 'version' cloister tenant list

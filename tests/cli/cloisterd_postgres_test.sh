#!/usr/bin/env bash
# Two key services with one store in PostgreSQL: one authority, one deny list, each rotation once.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
# shellcheck source=tests/cli/postgres_lib
source "$(dirname "${BASH_SOURCE[0]}")/postgres_lib"

server=$(mktemp -d /tmp/cloister-pg.XXXXXX)
daemons=()
status=0
start_postgres "$server" || status=$?
trap 'status=$?; kill -KILL "${daemons[@]}" 2>/dev/null || true; stop_postgres; rm -rf "$work" "$server" "$server.out"; exit $status' EXIT
[[ $status == 0 ]] || exit $status
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD

printf 'host=%s\nport=5432\nuser=postgres dbname=postgres\n' "$server" >connection
chmod 600 connection
cloister --quiet init --store-postgres connection
cloister --quiet tenant create acme
cloister --quiet dataset create acme/data
cp -r home second-home
write_policy journey-1

# server_of NAME HOME: a daemon in a folder of its own.
server_of() {
  mkdir "$work/$1" && cd "$work/$1"
  socket=$work/$1/keys.sock CLOISTER_HOME=$2 write_config
  start_daemon
  daemons+=("$daemon")
}
server_of a "$work/home"
a_enroll=$enroll_port a=$daemon
server_of b "$work/second-home"
b_tls=$tls_port b=$daemon
cd "$work"

# A token of one server is good at the other, once in all; and so is the certificate.
"$CLOISTERD" token --config b/cloisterd.toml "spiffe://$domain/acme/trainer" >join-token
request trainer
json join_token "$(cat join-token)" request @trainer.csr >body
enroll_port=$a_enroll expect_answer 200 by_enroll POST /v1/identity/enroll -d @body
json_get svid <answer >trainer.pem
enroll_port=$a_enroll expect_problem 403 refused by_enroll POST /v1/identity/enroll -d @body
tls_port=$b_tls
keys=/v1/tenants/acme/datasets/data
expect_answer 200 by_tls trainer POST $keys/generate -H 'cloister-purpose: train' -d '{"count":3}'

# Denied at one, refused by both.
socket=$work/a/keys.sock
expect_answer 200 by_socket POST /v1/identity/deny \
  -d "{\"id\":\"spiffe://$domain/acme/trainer\",\"lifetime_seconds\":7200,\"reason\":\"leaked\"}"
refused() { ! by_tls trainer POST $keys/generate -H 'cloister-purpose: train' -d '{"count":1}' || [[ $(cat answer) == *denied* ]]; }
eventually refused || fail 'denied at one server and served by the other'

# Due at both, rotated once at a time: no rotation fails, and versions and records agree.
expect_answer 200 by_socket PUT /v1/tenants/acme/rotation -d '{"rotate_after_seconds":2}'
sleep 4
expect_answer 200 by_socket PUT /v1/tenants/acme/rotation -d '{"rotate_after_seconds":null}'
expect_answer 200 by_socket GET /v1/tenants/acme/kek
versions=$(json_get versions <answer | grep -o "'version'" | wc -l)
total=0
for one in a b; do
  socket=$work/$one/keys.sock expect_answer 200 by_socket GET /metrics
  grep -q '^cloister_rotation_failures_total 0$' answer || fail "a rotation failed: $(cat $one/daemon.log)"
  total=$((total + $(sed -n 's/^cloister_rotations_total //p' answer)))
done
[[ $versions -ge 2 && $versions == $((total + 1)) ]] || fail "$versions versions after $total rotations"

for daemon in "$a" "$b"; do
  kill -TERM "$daemon"
  wait "$daemon" || fail "a daemon ended badly: $(cat a/daemon.log b/daemon.log)"
done
cloister audit verify >/dev/null
[[ $(cloister --json audit list --limit 0 | grep -o '"identity.begin"' | wc -l) == 1 ]] || fail 'two authorities'

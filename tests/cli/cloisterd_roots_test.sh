#!/usr/bin/env bash
# A daemon that serves while its home's keys go to another root, and the old root goes altogether.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
command -v curl >/dev/null || {
  echo "skipped: curl isn't installed"
  exit 77
}
client=
trap 'status=$?; [[ -z $client ]] || kill "$client" 2>/dev/null || true; end_daemon; rm -rf "$work"; exit $status' EXIT

make_home
for i in 1 2 3 4; do cloister --quiet tenant create "more$i"; done
head -c 100000 /dev/urandom >plain
cloister --quiet seal plain plain.sealed --dataset acme/data
write_policy roots-1
sed -i 's|^operation = \["generate"|operation = ["dataset.show", "generate"|' policy.toml
write_config
start_daemon
expect_status 0 "$CLOISTER" enroll local.service --service "127.0.0.1:$tls_port" --server "spiffe://$domain/cloister/keys" --unix "$socket"
opens() { "$CLOISTER" --service local.service --purpose train cat plain.sealed | cmp -s - plain; }
opens || fail "it doesn't open through the service"

# A workload that asks all the time, and must never be refused.
(
  while [[ ! -e stop ]]; do
    opens || echo "refused" >>refusals
    echo asked >>asked
  done
) &
client=$!
eventually test -s asked || fail 'the workload asks nothing'
expect_status 0 cloister root add second software
expect_status 0 cloister key move --all --to second
expect_status 0 cloister root default second
expect_status 0 cloister root remove first
rm home/root.key
[[ $(wc -l <asked) -gt 1 ]] || sleep 1
touch stop
wait "$client"
client=
expect_absent refusals
opens || fail "it doesn't open after the move"

# What the daemon itself puts under a root goes under the new one: it was started with the old.
expect_answer 201 by_socket POST /v1/tenants -d '{"name":"late"}'
expect_answer 200 by_socket POST /v1/tenants/acme/kek/rotate -d '{"reason":"exercise"}'
[[ $(cloister --json tenant show late | json_get versions.0.root) == $(cloister --json root list | json_get roots.0.root_id) ]] || fail "the new tenant's root"
expect_status 0 cloister root check second --open
opens || fail "it doesn't open after a rotation"
expect_answer 200 by_socket GET /readyz
logged not-started && fail "$(cat daemon.log)"
stop_daemon

# Started again, it has the same authority: the certificate from before the move still serves.
start_daemon
sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$tls_port/" local.service
opens || fail "it doesn't open after a restart"
stop_daemon

# A root that asks for a passphrase, or isn't there, is said before anything is served.
sed -i 's/"passphrase": "none"/"passphrase": "prompt"/' home/config.json
expect_status 2 "$CLOISTERD" --config cloisterd.toml --check
grep -q 'root second asks for a passphrase' .err || fail "$(cat .err)"
sed -i 's/"passphrase": "prompt"/"passphrase": "none"/' home/config.json
mv home/roots away
expect_status 5 "$CLOISTERD" --config cloisterd.toml

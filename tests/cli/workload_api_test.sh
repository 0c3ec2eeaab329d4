#!/usr/bin/env bash
# Registration entries by the command line, and the Workload API of a daemon that gives what they say. The client is curl.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
command -v curl >/dev/null || {
  echo 'skipped: curl is not installed'
  exit 77
}
trap 'status=$?; end_daemon; rm -rf "$work"; exit $status' EXIT

make_home
write_policy journey-1
write_config
cat >>cloisterd.toml <<TOML
[workload_api]
socket = "$work/run/workload.sock"
attestors = ["systemd"]
TOML
id=spiffe://$domain/ml/vllm

# Entries are made, found and ended; what makes no sense is refused.
cloister entry list | has 'no such entries'
cloister --json entry create --spiffe-id "$id" --selector "unix:uid:$(id -u)" --x509-ttl 600 --hint serving >created
entry=$(json_get created.0.id <created)
[[ $(json_get created.0.x509_ttl_seconds <created) == 600 ]] || fail "$(cat created)"
expect_error 6 'delete it first' cloister entry create --spiffe-id "$id" --selector "unix:uid:$(id -u)"
expect_error 2 'a selector at least' cloister entry create --spiffe-id "$id"
expect_error 2 'type:value' cloister entry create --spiffe-id "$id" --selector uid
expect_error 2 "service itself" cloister entry create --spiffe-id "spiffe://$domain/cloister/keys" --selector unix:uid:0
expect_error 2 'from a file' cloister entry create
expect_error 5 'no entry' cloister entry show 00
cloister entry show "$entry" | has "identity: $id"
cloister entry list --selector "unix:uid:$(id -u)" | has "$entry"
cloister entry list --selector unix:uid:4711 | has 'no such entries'

# From a file, which may be given again, and doesn't change what is there.
cat >entries.toml <<TOML
[[entry]]
spiffe_id = "$id"
selectors = "unix:uid:$(id -u)"
x509_ttl_seconds = 600
hint = "serving"
[[entry]]
spiffe_id = "spiffe://$domain/ml/other"
selectors = ["unix:uid:$(id -u)", "systemd:id:vllm.service"]
TOML
cloister entry create --from entries.toml | has 'created 1, 1 there already'
cloister entry create --from entries.toml | has 'created 0, 2 there already'
sed 's/600/900/' entries.toml >changed.toml
expect_error 6 'delete it first' cloister entry create --from changed.toml
sed 's/selectors/selector/' entries.toml >wrong.toml
expect_error 2 'line 3' cloister entry create --from wrong.toml

start_daemon

# call METHOD [curl's options]: headers, trailers and what came within a second.
call() {
  local method=$1
  shift
  head -c5 /dev/zero >empty
  curl -sS --max-time 1 --http2-prior-knowledge --unix-socket "$work/run/workload.sock" -D headers -o answer \
    -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @empty "$@" \
    "http://localhost/SpiffeWorkloadAPI/$method" 2>/dev/null || true
}
given() {
  call FetchX509SVID -H 'workload.spiffe.io: true'
  grep -q "$id" answer
}
expect eventually given
grep -q "ml/other" answer && fail 'an entry counts though a selector is missing'
call FetchX509SVID
expect eventually grep -q '"event":"workload-refused".*"code":3' daemon.log
cloister audit list | has "identity.issue.*$id.*entry $entry"

# Nobody without an entry.
cloister entry delete "$entry"
refused() {
  call FetchX509SVID -H 'workload.spiffe.io: true'
  grep -qi '^grpc-status: 7' headers
}
expect eventually refused
logged workload-refused || fail 'the refusal is not in the log'
expect_answer 200 by_socket GET /metrics
grep -q '^cloister_registration_entries 1$' answer || fail "$(grep cloister_registration answer)"
cloister audit list | has "entry.delete.*$id"
stop_daemon

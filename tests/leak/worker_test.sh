#!/usr/bin/env bash
# A worker's whole life, watched from outside: attests, opens a model, gives it to an engine, renews its lease, and ends
# when it may not go on. A canary in the model is in no file, no log, no core and not in its environment.
set -euo pipefail
umask 077
: "${BUILD_DIR:?}"
worker=$BUILD_DIR/apps/cloister-worker
service=$BUILD_DIR/tests/worker_key_service
for program in "$worker" "$service"; do
  [ -x "$program" ] || { echo "skipped: $program isn't built"; exit 77; }
done
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
fail() {
  printf 'worker_test: %s\n' "$1" >&2
  tail -5 worker.log service.log >&2 || true
  exit 1
}
# Until `$2...` succeeds, at most 30 seconds.
await() {
  local what=$1 i
  shift
  for ((i = 0; i < 300; i++)); do
    "$@" && return
    sleep 0.1
  done
  fail "$what"
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# Kept in two halves, so that this script isn't where it is found.
canary="CANARY-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
{ head -c 300000 /dev/urandom; printf '%s' "$canary"; head -c 300000 /dev/urandom; } >model.plain
digest=sha256:$(sha256sum <model.plain | cut -d' ' -f1)
anchor=$("$worker" key --out attester.pem)

start_service() {  # LEASE-SECONDS
  rm -f tell
  mkfifo tell
  "$service" "$work/keys.sock" model.plain model.sealed "$anchor" "$1" <tell >service.log 2>&1 &
  service_pid=$!
  pids+=("$service_pid")
  exec 8>tell
  await 'the key service starts' grep -q '^ready' service.log
}
stop_service() {
  exec 8>&-
  wait "$service_pid" || true
}

# configure COMMAND…: worker.toml, and the manifest that goes with it.
configure() {
  local words='' word
  for word in "$@"; do words+="\"$word\", "; done
  cat >worker.toml <<TOML
name = "scorer"
role = "infer"
manifest = "$work/manifest.toml"

[service]
socket = "$work/keys.sock"
user = $(id -u)

[release]
tenant = "acme"
environment = "production"
dataset = "models"
purpose = "infer"

[model]
path = "$work/model.sealed"
sha256 = "${wanted:-$digest}"

[attester]
kind = "insecure_software"
key = "$work/attester.pem"

[engine]
command = [${words%, }]

[lockdown]
debug = ${debug:-false}
TOML
  "$worker" manifest --config worker.toml --out manifest.toml
  "$worker" check --config worker.toml >check.log
}
run_worker() {
  "$worker" run --config worker.toml >engine.log 2>worker.log 8>&- &
  worker_pid=$!
  pids+=("$worker_pid")
}
# expect_end STATUS WORD
expect_end() {
  local status=0
  wait "$worker_pid" || status=$?
  [ "$status" = "$1" ] || fail "it ended with $status, not $1"
  grep -q -- "$2" worker.log || fail "nothing in its log about: $2"
}

start_service 600
configure /usr/bin/sha256sum '{model}'
run_worker
expect_end 10 'the engine ended with status 0'
grep -q "^${digest#sha256:} " engine.log || fail "the engine read something else: $(cat engine.log)"

# It can read what is listed, and no more; and it has no environment of the worker's.
export CLOISTER_WORKER_TEST=$canary
configure /bin/sh -c "read -r line <$work/attester.pem; echo \$line; set; echo x >$work/written"
run_worker
expect_end 10 'the engine ended'
if grep -q 'PRIVATE KEY' engine.log; then fail 'the engine read the key of the attester'; fi
if grep -q "$canary" engine.log; then fail "the engine has the worker's environment"; fi
[ ! -e written ] || fail 'the engine wrote a file'
unset CLOISTER_WORKER_TEST

# In memory while it serves, and nowhere else; killed, it leaves nothing.
configure /bin/sleep 600
run_worker
await 'it serves' grep -q '"serving"' worker.log
if grep -r -l -a --exclude=model.plain -- "$canary" "$work" /var/tmp /dev/shm 2>/dev/null; then
  fail 'the canary is in a file'
fi
for name in environ cmdline; do
  if grep -q -a -- "$canary" "/proc/$worker_pid/$name" 2>/dev/null; then fail "the canary is in $name"; fi
done
ulimit -c unlimited 2>/dev/null || true
engine_pid=$(pgrep -P "$worker_pid" || true)
kill -ABRT "$worker_pid"
wait "$worker_pid" 2>/dev/null || true
if [ -n "$engine_pid" ]; then kill "$engine_pid" 2>/dev/null || true; fi
if grep -r -l -a --exclude=model.plain -- "$canary" "$work" 2>/dev/null; then fail 'the canary is in a core'; fi
stop_service

# The lease is renewed by new evidence, until the service refuses: then everything ends.
start_service 3
configure /bin/sleep 600
run_worker
await 'the lease is renewed' grep -q '"lease-renewed"' worker.log
engine_pid=$(pgrep -P "$worker_pid")
echo deny >&8
expect_end 4 'trusted-root'
await 'the engine has ended' ended "$engine_pid"
stop_service

# What is refused from the start.
start_service 600
debug=true configure /bin/sleep 600
run_worker
expect_end 4 'evidence refused: debug'
wanted=sha256:$(printf x | sha256sum | cut -d' ' -f1) configure /bin/sleep 600
run_worker
expect_end 3 "isn't the one that the manifest names"
configure /bin/sleep 600
echo '# changed' >>worker.toml
run_worker
expect_end 4 'its configuration differs'
configure /bin/sleep 600
chmod 644 attester.pem
run_worker
expect_end 4 'attester.pem'

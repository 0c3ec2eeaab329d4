#!/usr/bin/env bash
# A canary in the prompt, one in the weights and the tenant's token pass a gateway, whole and in a stream, and are in none
# of its memory, while it carries them and afterwards, nor in its log. A word that reaches it unsealed is found there: so
# the search finds what there is.
set -euo pipefail
umask 077
: "${BUILD_DIR:?}" "${SOURCE_DIR:?}" "${CLOISTER:?}"
worker=$BUILD_DIR/apps/cloister-worker
service=$BUILD_DIR/tests/worker_key_service
for program in "$worker" "$service" "$CLOISTER"; do
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
  printf 'gateway_test: %s\n' "$1" >&2
  tail -n 5 ./*.log >&2 || true
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
new_word() { printf '%s-%s' "$1" "$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')"; }
prompt=$(new_word PROMPT) weights=$(new_word WEIGHTS) token=$(new_word TOKEN) open=$(new_word UNSEALED)
printf '%s\n' "$prompt" "$weights" "$token" "$open" >words
{ head -c 100000 /dev/urandom; printf '%s' "$weights"; head -c 100000 /dev/urandom; } >model.plain
printf '%s' "$token" >token
anchor=$("$worker" key --out attester.pem)
mkdir engine face code
cp "$SOURCE_DIR/tests/journeys/event_engine.py" code/

mkfifo tell
"$service" "$work/keys.sock" model.plain model.sealed "$anchor" 600 <tell >service.log 2>&1 &
pids+=($!)
exec 8>tell
await 'the key service starts' grep -q '^ready' service.log
# The interpreter itself: what stands in the path may be a script that looks for it.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
libraries=$(python3 -c 'import sys; print(sys.base_prefix)')/lib
cat >worker.toml <<TOML
name = "talker"
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
sha256 = "sha256:$(sha256sum <model.plain | cut -d' ' -f1)"
[attester]
kind = "insecure_software"
key = "$work/attester.pem"
[engine]
command = ["$python", "-I", "-S", "$work/code/event_engine.py", "{model}", "$work/engine"]
[inference]
listen = "$work/face/worker.sock"
clients = ["$(id -u)"]
model = "llm"
engine_socket = "$work/engine/engine.sock"
engine_user = $(id -u)
engine_path = "/v1/chat/completions"
threads = 4
tokens = ["acme sha256:$(sha256sum <token | cut -d' ' -f1)"]
[lockdown]
readable = ["$work/code"]
executable = ["$libraries"]
TOML
"$worker" manifest --config worker.toml --out manifest.toml
image=$("$worker" check --config worker.toml | sed -n 's/^program sha256://p')
cat >expected.toml <<TOML
version = 1
id = "talkers"
not_after = "never"
insecure_software_keys = ["${anchor#sha256:}"]
[[release]]
name = "talker"
tenant = "acme"
environment = "production"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "$(sha256sum <manifest.toml | cut -d' ' -f1)"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "$image"
lease_seconds = 600
TOML
"$worker" run --config worker.toml >engine.log 2>worker.log 8>&- &
pids+=($!)
serves() { grep -q '"serving"' worker.log && [ -S engine/engine.sock ]; }
await 'the worker serves' serves

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# ask QUESTION OPTION…: through the gateway.
ask() {
  local question=$1
  shift
  printf '%s' "$question" | "$CLOISTER" --home "$work/no-home" ask --worker "http://127.0.0.1:$port" --policy expected.toml \
    --dataset acme/production/models --model llm --token-file token "$@" -
}
listens() { (exec 6<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# search WHEN: only what came unsealed is there.
search() {
  local found status=0
  found=$("$SOURCE_DIR/tests/leak/search_memory.py" "$gateway" <words) || status=$?
  [ "$status" != 77 ] || { echo "skipped: another process's memory may not be read here"; exit 77; }
  [ "$status" = 0 ] || fail "the memory can't be searched"
  [ "$found" = "$open" ] || fail "$name, $1: found of the words: ${found:-none, not even what came unsealed}"
}

run_through() {  # NAME COMMAND…
  name=$1
  shift
  rm -f engine/go
  "$@" >"$name.log" 2>&1 8>&- &
  gateway=$!
  pids+=("$gateway")
  await "$name listens" listens
  # A request that isn't done yet, so that the gateway has to hold on to it.
  exec 5<>"/dev/tcp/127.0.0.1/$port"
  printf 'POST /v1/inference HTTP/1.1\r\nhost: gateway\r\nx-word: %s\r\n' "$open" >&5
  ask "{\"do\": \"whole\", \"prompt\": \"$prompt\"}" >answer 2>asked || fail "$name: the whole question fails"
  grep -q "$prompt" answer || fail "$name: the answer isn't the engine's"
  search 'after a whole answer'
  rm -f stream
  mkfifo stream
  ask "{\"do\": \"count\", \"prompt\": \"$prompt\"}" --stream >stream 2>asked &
  local asking=$! line
  exec 7<stream
  read -r -t 30 line <&7 || fail "$name holds the stream back"
  [ "$line" = "data: one $prompt" ] || fail "$name: something else comes: $line"
  search 'in the middle of a stream'
  touch engine/go
  cat <&7 >rest
  exec 7<&-
  wait "$asking" || fail "$name: the stream fails"
  grep -q DONE rest || fail "$name: the rest is missing"
  search 'after a stream'
  exec 5>&-
  kill "$gateway"
  wait "$gateway" 2>/dev/null || true
  for word in "$prompt" "$weights" "$token"; do
    where=$(grep -l -a -- "$word" ./*.log || true)
    [ -z "$where" ] || fail "$name: ${word%%-*} is in $where"
  done
}

ran=0
if command -v nginx >/dev/null; then
  port=$(free_port)
  cat >nginx.conf <<CONF
daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx-errors.log debug;
events {}
http {
  access_log $work/nginx-access.log;
  client_body_temp_path $work/bodies; proxy_temp_path $work/answers;
  server { listen 127.0.0.1:$port; location / { proxy_pass http://unix:$work/face/worker.sock; } }
}
CONF
  [ "$(id -u)" != 0 ] || sed -i '1i user root;' nginx.conf
  run_through nginx nginx -p "$work" -c "$work/nginx.conf"
  ran=1
fi
if command -v haproxy >/dev/null; then
  port=$(free_port)
  cat >haproxy.conf <<CONF
defaults
  mode http
  timeout connect 30s
  timeout client 60s
  timeout server 60s
listen gateway
  bind 127.0.0.1:$port
  server worker unix@$work/face/worker.sock
CONF
  run_through haproxy haproxy -db -f "$work/haproxy.conf"
  ran=1
fi
[ "$ran" = 1 ] || { echo 'skipped: there is neither nginx nor HAProxy'; exit 77; }

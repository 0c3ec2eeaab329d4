#!/usr/bin/env bash
# A question to a real worker, whose model a real key service released: the answer streams from the engine's process to
# whoever asked, sealed all the way; its receipt names model and policy; and what breaks off doesn't pass for an answer.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/../cli/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/../cli/cloisterd_lib"
worker=$(dirname "$CLOISTER")/cloister-worker
if [[ ! -x $worker ]]; then
  echo "skipped: $worker isn't built"
  exit 77
fi
worker_pid=
trap 'status=$?; [[ -z $worker_pid ]] || kill $worker_pid 2>/dev/null; end_daemon; rm -rf "$work"; exit $status' EXIT

cloister --quiet init
cloister --quiet tenant create acme
cloister --quiet dataset create acme/models
head -c 100000 /dev/urandom >model
digest=$(sha256sum <model | cut -d' ' -f1)
cloister --quiet seal model model.sealed --dataset acme/models
write_policy worker-1
sed -i 's/^operation = \["generate"/operation = ["release", "dataset.show", "generate"/; s/^purpose = "train"/purpose = ["train", "infer"]/' policy.toml
write_config
start_daemon
anchor=$("$worker" key --out attester.pem)

printf 'the-token\n' >token
chmod 600 token
mkdir -m 700 engine face code
cp "$SOURCE_DIR/tests/journeys/event_engine.py" code/
# The interpreter itself: what stands in the path may be a script that looks for it.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
libraries=$(python3 -c 'import sys; print(sys.base_prefix)')/lib
{
  printf 'name = "talker"\nrole = "infer"\nmanifest = "%s"\n[service]\nsocket = "%s"\nuser = %s\n' "$work/manifest.toml" "$socket" "$(id -u)"
  printf '[release]\ntenant = "acme"\ndataset = "models"\npurpose = "infer"\n'
  printf '[model]\npath = "%s"\nsha256 = "sha256:%s"\n' "$work/model.sealed" "$digest"
  printf '[attester]\nkind = "insecure_software"\nkey = "%s"\n' "$work/attester.pem"
  printf '[engine]\ncommand = ["%s", "-I", "-S", "%s", "{model}", "%s"]\n' "$python" "$work/code/event_engine.py" "$work/engine"
  printf '[inference]\nlisten = "%s"\nclients = ["%s"]\nmodel = "llm"\n' "$work/face/worker.sock" "$(id -u)"
  printf 'engine_socket = "%s"\nengine_user = %s\nengine_path = "/v1/chat/completions"\nthreads = 4\n' "$work/engine/engine.sock" "$(id -u)"
  printf 'tokens = ["acme sha256:%s"]\n' "$(printf the-token | sha256sum | cut -d' ' -f1)"
  printf '[lockdown]\nreadable = ["%s"]\nexecutable = ["%s"]\n' "$work/code" "$libraries"
} >worker.toml
"$worker" manifest --config worker.toml --out manifest.toml
image=$("$worker" check --config worker.toml | sed -n 's/^program sha256://p')

# release_policy ID: what attested workers are given, and what whoever asks expects of them.
release_policy() {
  cat >attested.toml <<TOML
version = 1
id = "$1"
not_after = "never"
insecure_software_keys = ["${anchor#sha256:}"]
[[release]]
name = "talkers"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "$(sha256sum <manifest.toml | cut -d' ' -f1)"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "$image"
lease_seconds = 4
TOML
  json document @attested.toml >body
  expect_answer 200 by_socket PUT /v1/attestation/policy -d @body
}
release_policy workers-1
"$worker" run --config worker.toml >engine.log 2>worker.log &
worker_pid=$!
serves() { grep -q '"serving"' worker.log && [[ -S engine/engine.sock ]]; }
eventually serves || fail "the worker doesn't serve: $(cat worker.log engine.log)"

# ask QUESTION OPTION…
ask() {
  local question=$1
  shift
  printf '%s' "$question" | env -u CLOISTER_HOME "$CLOISTER" ask --worker "unix:$work/face/worker.sock" --policy attested.toml \
    --dataset acme/models --model llm --token-file token "$@" -
}

# Whole, as ever: the receipt names the model, and the policy that its key was released by.
ask '{"do": "whole", "prompt": "hello"}' --json >said
python3 - "$digest" said <<'PY'
import json, sys
said = json.load(open(sys.argv[2]))
assert said["answer"] == {"model": sys.argv[1], "prompt": "hello"}, said
assert said["receipt"]["policy"] == "workers-1", said
assert said["receipt"]["model"] == sys.argv[1], said
PY

# A new policy ends the lease; the worker attests again, and from then on its receipts name that one.
release_policy workers-2
names_the_new_one() { ask '{"do": "whole"}' --json | grep -q '"policy":"workers-2"'; }
eventually names_the_new_one || fail "the receipt still names the old policy: $(cat worker.log)"

# Streamed: what the engine has said is here before it goes on.
mkfifo pieces
ask '{"do": "count", "prompt": "hello"}' --stream --keep kept >pieces 2>said &
ask_pid=$!
exec 7<pieces
read -r -t 30 line <&7 || fail "nothing comes: $(cat said)"
[[ $line == 'data: one hello' ]] || fail "something else comes: $line"
touch engine/go
rest=$(cat <&7)
exec 7<&-
wait "$ask_pid" || fail "the stream fails: $(cat said)"
[[ $rest == *'data: two'*'data: [DONE]'* ]] || fail "the rest is missing: $rest"
grep -q 'worker verified' said || fail "it doesn't say whom it asked: $(cat said)"
env -u CLOISTER_HOME "$CLOISTER" ask --policy attested.toml --dataset acme/models --kept kept >said || fail 'what was kept proves nothing'

# The engine breaks off: what was printed is not an answer, and the status says so.
expect_status 11 ask '{"do": "break", "prompt": "hello"}' --stream
grep -q 'data: one hello' .out || fail "what came isn't shown: $(cat .out)"
grep -q 'incomplete' .err || fail "it doesn't say that this is incomplete: $(cat .err)"
# Nothing of it without --stream, nor with --json.
expect_status 9 ask '{"do": "break"}'
has_no_answer() { ! grep -q 'data: one' .out; }
has_no_answer || fail "half an answer is printed: $(cat .out)"
expect_status 3 ask '{"do": "break"}' --stream --json
has_no_answer || fail "half an answer is printed: $(cat .out)"
printf 'another\n' >token
expect_status 4 ask '{"do": "whole"}' --stream
printf 'the-token\n' >token

# Whoever asked goes away: the engine's work ends.
ask '{"do": "endless"}' --stream 2>said | head -c 5000 >part || true
gone() { [[ -e engine/gone ]]; }
eventually gone || fail "the engine goes on for nobody"

kill "$worker_pid"
wait "$worker_pid" || fail "the worker ends badly: $(cat worker.log)"
worker_pid=
stop_daemon

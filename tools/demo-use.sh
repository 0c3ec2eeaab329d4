# shellcheck shell=bash disable=SC2153,SC2154 # what demo.sh, demo-service.sh and demo-transit.sh set
# The demonstration's part in use, read by tools/demo.sh: a real model whose key goes to an attested worker alone, workers
# that lie, a question that only the worker reads, and the evidence verified once more afterwards.
WORKER=$(dirname "$CLOISTER")/cloister-worker
ATTACKER=$(dirname "$CLOISTER")/../tests/release_attacker
use=$work/use
mkdir -m 700 "$use"

write_worker() {
  cat >"$use/worker.toml" <<TOML
name = "voice-activity"
role = "infer"
manifest = "$use/manifest.toml"

[service]
address = "127.0.0.1:$port"
id = "$server"

[identity]
workload_api = "unix://$transit/workload.sock"
workload_api_user = $(id -u)

[release]
tenant = "acme"
dataset = "voice"
purpose = "infer"

[model]
path = "$stored/voice.onnx.sealed"
sha256 = "sha256:$(sha256sum "$voice_model" | cut -d' ' -f1)"

[attester]
kind = "insecure_software"
key = "$use/attester.pem"

[inference]
listen = "$use/questions.sock"
clients = ["$(id -u)"]
model = "voice"
library = "$voice_library"
tokens = ["acme sha256:$(printf %s "$(cat "$use/token")" | sha256sum | cut -d' ' -f1)"]
TOML
  chmod 600 "$use/worker.toml"
}

# Who may ask, and which worker is given it.
write_policies() {
  cat >>"$service/policy.toml" <<'TOML'

[[allow]]
name = "workers ask for the model"
caller = ["spiffe://demo.example/acme/worker", "spiffe://demo.example/operators/*"]
operation = "release"
tenant = "acme"
environment = "any"
dataset = "voice"
purpose = "infer"

[[allow]]
name = "operators say which workers are given keys"
caller = "spiffe://demo.example/operators/*"
operation = ["policy.set", "policy.read"]
tenant = "any"
environment = "any"
purpose = "operate"
TOML
  cat >"$use/attested.toml" <<TOML
version = 1
id = "demo-attested-1"
not_after = "never"
insecure_software_keys = ["$attester"]

[[release]]
name = "this program, with this configuration and this model"
tenant = "acme"
environment = "none"
dataset = "voice"
purpose = "infer"
role = "infer"
manifest = "$manifest"
platform = "insecure_software"
assurance = "insecure_software"
product = "any"
chip = "any"
measurement = "$program"
lease_seconds = 300
TOML
}

write_questions() {
  cat >"$use/question.py" <<'PY'
"""A question for Silero's model: 36 ms of sound as tone or noise, on standard output."""
import json, math, sys
if sys.argv[1] == "tone":
    samples = [0.4 * math.sin(2 * math.pi * 220 * i / 16000) for i in range(576)]
else:
    samples = [((i * 1103515245 + 12345) % 65536) / 65536 - 0.5 for i in range(576)]
tensor = lambda name, kind, shape, data: {"name": name, "datatype": kind, "shape": shape, "data": data}
json.dump({"inputs": [tensor("input", "FP32", [1, 576], samples), tensor("state", "FP32", [2, 1, 128], [0.0] * 256),
                      tensor("sr", "INT64", [], [16000])]}, sys.stdout)
PY
  cat >"$use/plain.py" <<'PY'
"""The same question without anything in between: MODEL QUESTION ANSWER. Ends with 1 if the answer is another."""
import json, sys
import numpy, onnxruntime
feed = {one["name"]: numpy.array(one["data"], dtype=numpy.float32 if one["datatype"] == "FP32" else numpy.int64).reshape(one["shape"])
        for one in json.load(open(sys.argv[2]))["inputs"]}
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
plain = session.run(None, feed)
given = [numpy.array(one["data"], dtype=numpy.float32) for one in json.load(open(sys.argv[3]))["outputs"]]
same = all(numpy.array_equal(a.reshape(-1), b) for a, b in zip(plain, given, strict=True))
print(f"speech: {float(given[0][0]):.6f}, the plain run: {float(plain[0].reshape(-1)[0]):.6f}")
sys.exit(not same)
PY
}

# Sends JSON to the daemon's socket as the operator: METHOD PATH FILE-OF-JSON.
to_service() {
  python3 - "$service/keys.sock" "$@" <<'PY'
import http.client, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])
connection = Unix("localhost", timeout=10)
connection.request(sys.argv[2], sys.argv[3], open(sys.argv[4], "rb").read(), {"content-type": "application/json", "cloister-purpose": "operate"})
answer = connection.getresponse()
print(answer.read().decode())
sys.exit(answer.status >= 300)
PY
}

worker_answers() { [[ -S $use/questions.sock ]] && "$CLOISTER" ask --worker "unix:$use/questions.sock" --policy "$use/attested.toml" --dataset acme/voice --check; }

# lie MODE WORDS: a worker that lies so is refused, for that reason.
lie() {
  local output status=0
  printf '  %s$ a worker whose evidence is %s%s\n' "$dim" "$1" "$off"
  output=$("$ATTACKER" "$service/keys.sock" "$(id -u)" "$use/attester.pem" "$use/manifest.toml" "$program" "$stored/voice.onnx.sealed" acme voice "$1" 2>&1) || status=$?
  [[ $status == 4 ]] || surprise "a worker whose evidence is $1: status $status: $output"
  grep -q -- "$2" <<<"$output" || surprise "a worker whose evidence is $1: nothing of '$2': $output"
  printf '%s\n    %srefused%s\n' "$(indent <<<"$output")" "$green" "$off"
  refused=$((refused + 1))
}

step '17. In use: a real model, for attested workers alone'
mapfile -t voice <<<"$voice_files"
voice_library=${voice[0]} voice_model=${voice[1]} voice_python=${voice[2]}
cl dataset create acme/voice
cp "$voice_model" "$use/voice.onnx"
cl seal "$use/voice.onnx" "$stored/voice.onnx.sealed" --dataset acme/voice
cp "$WORKER" "$use/cloister-worker"
(umask 077 && od -An -N16 -tx8 /dev/urandom | tr -d ' \n' >"$use/token")
attester=$("$use/cloister-worker" key --out "$use/attester.pem")
attester=${attester#sha256:}
write_worker
"$use/cloister-worker" manifest --config "$use/worker.toml" --out "$use/manifest.toml"
printf '  %s$ cloister-worker check --config use/worker.toml%s\n' "$dim" "$off"
"$use/cloister-worker" check --config "$use/worker.toml" >"$use/check"
indent <"$use/check"
manifest=$(sed -n 's/^manifest sha256://p' "$use/check") program=$(sed -n 's/^program sha256://p' "$use/check")
write_policies
"$CLOISTER" entry create --spiffe-id spiffe://demo.example/acme/worker --selector "unix:path:$use/cloister-worker" >/dev/null || surprise 'no entry for the worker'
"$CLOISTERD" --config "$service/cloisterd.toml" 2>"$service/log" &
daemon=$!
python3 -c 'import json, sys; json.dump({"document": open(sys.argv[1]).read()}, open(sys.argv[2], "w"))' "$use/attested.toml" "$use/attested.json"
wait_for 'the attestation policy' 30 to_service PUT /v1/attestation/policy "$use/attested.json"
say 'which program, configuration and model is given the key is said by their digests; that this machine has no TEE, in a word: insecure_software'
printf '  %s$ cloister-worker run --config use/worker.toml%s\n' "$dim" "$off"
(cd "$use" && exec "$use/cloister-worker" run --config "$use/worker.toml") 2>"$use/log" &
worker=$!
helpers+=("$worker")
wait_for "the worker ($(tail -n 2 "$use/log"))" 30 worker_answers
say 'it locked itself down, attested, was given the key sealed to a key of its own, and opened the model in memory'
say 'the same object for the trainer, who may unwrap everything else of acme:'
refuse 4 'attested' --service "$service/acme.service" --purpose train cat "$stored/voice.onnx.sealed"

step '18. A question that only the worker reads'
write_questions
for kind in tone noise; do
  python3 "$use/question.py" "$kind" >"$use/$kind.json"
  printf '  %s$ cloister ask --worker unix:use/questions.sock --policy use/attested.toml --dataset acme/voice --model voice %s.json%s\n' "$dim" "$kind" "$off"
  "$CLOISTER" ask --worker "unix:$use/questions.sock" --policy "$use/attested.toml" --dataset acme/voice --model voice --token-file "$use/token" \
    --keep "$use/kept-$kind" "$use/$kind.json" >"$use/$kind.answer" 2>"$use/$kind.said" || surprise "no answer: $(cat "$use/$kind.said")"
  "$voice_python" "$use/plain.py" "$voice_model" "$use/$kind.json" "$use/$kind.answer" | indent || surprise "the answer to the $kind differs from the plain run"
done
row 'confidential inference' 0 '' 'as the plain run'
say 'what was kept of an answer proves it later, without the worker: evidence, policy, receipt'
cl ask --policy "$use/attested.toml" --dataset acme/voice --kept "$use/kept-tone"
say 'with a policy that names another program, nothing is sent:'
sed "s/^measurement = .*/measurement = \"$(printf other | sha256sum | cut -d' ' -f1)\"/" "$use/attested.toml" >"$use/other.toml"
refuse 4 'measurement' ask --worker "unix:$use/questions.sock" --policy "$use/other.toml" --dataset acme/voice --check

step '19. Workers that lie'
say 'they have the key of the attester and an honest manifest; honestly they would be given the key of the model:'
"$ATTACKER" "$service/keys.sock" "$(id -u)" "$use/attester.pem" "$use/manifest.toml" "$program" "$stored/voice.onnx.sealed" acme voice honest | indent
lie debug 'debug'
lie stale 'validity'
lie replayed 'report-data'
lie relayed 'report-data'

# shellcheck source=tools/demo-tpm.sh
source "$demo_folder/demo-tpm.sh"

step '21. Verified again, from what was kept'
kill -TERM "$worker"
wait "$worker" || surprise "the worker ended with $?: $(tail -n 2 "$use/log")"
kill -TERM "$daemon"
wait "$daemon" || surprise "cloisterd ended with $?: $(tail -n 3 "$service/log")"
say 'each release and each refusal, at its own date, with the evidence and the policy of that day:'
cl attest releases
replayed=0
while read -r release; do
  "$CLOISTER" attest replay "$release" >"$use/replay" 2>&1 || surprise "release $release isn't decided as it was: $(cat "$use/replay")"
  replayed=$((replayed + 1))
done < <("$CLOISTER" --json attest releases | python3 -c 'import json, sys; [print(one["release"]) for one in json.load(sys.stdin)["releases"]]')
((replayed >= 6)) || surprise "only $replayed decisions were kept"
indent <"$use/replay"
row 'decisions replayed' 0 '' "$replayed of $replayed the same"

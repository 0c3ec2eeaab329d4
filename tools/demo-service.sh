# shellcheck shell=bash disable=SC2153,SC2154 # what demo.sh sets
# The demonstration's last part, read by tools/demo.sh: the key service on the embedded store, two tenants' workloads
# with identities of their own, and what becomes of a request for somebody else's keys.
CLOISTERD=$(dirname "$CLOISTER")/cloisterd

# Whatever port is free now.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

write_service_configuration() {  # folder, port, enrolment port
  cat >"$1/cloisterd.toml" <<TOML
home = "$CLOISTER_HOME"
trust_domain = "demo.example"

[listen]
tls = "127.0.0.1:$2"
enroll = "127.0.0.1:$3"
unix = "$1/keys.sock"

[policy]
file = "$1/policy.toml"

# Who speaks through the socket, by the kernel's word.
[[unix_user]]
uid = $(id -u)
id = "spiffe://demo.example/operators/me"
TOML
  cat >"$1/policy.toml" <<'TOML'
version = 1
id = "demo-1"
not_after = "never"

[[allow]]
name = "each tenant's trainer, on its own datasets"
caller = "spiffe://demo.example/acme/trainer"
operation = ["dataset.show", "wrap", "unwrap"]
tenant = "acme"
environment = "any"
dataset = "any"
purpose = ["ingest", "train"]

[[allow]]
name = "globex's too"
caller = "spiffe://demo.example/globex/trainer"
operation = ["dataset.show", "wrap", "unwrap"]
tenant = "globex"
environment = "any"
dataset = "any"
purpose = ["ingest", "train"]

[[allow]]
name = "operators enrol workloads"
caller = "spiffe://demo.example/operators/*"
operation = "identity.enroll"
tenant = ["acme", "globex"]
environment = "any"
purpose = "operate"

[[quota]]
tenant = "any"
requests_per_second = 1000
burst = 2000
keys_per_batch = 1000

[[expect]]
caller = "spiffe://demo.example/globex/trainer"
operation = "unwrap"
tenant = "acme"
dataset = "models"
purpose = "train"
decision = "deny"
TOML
  chmod 600 "$1/cloisterd.toml" "$1/policy.toml"
}

# A join token for the id $1, into the file $2; waits until the service answers.
join_token() {
  local attempt
  for attempt in $(seq 100); do
    if (umask 077 && "$CLOISTERD" --config "$service/cloisterd.toml" token "$1" >"$2" 2>"$service/token.err"); then return; fi
    kill -0 "$daemon" 2>/dev/null || surprise "cloisterd ended: $(tail -n 3 "$service/log")"
    sleep 0.1
  done
  surprise "no join token after $attempt attempts: $(cat "$service/token.err")"
}

step '10. The key service: workloads with identities, over mutual TLS'
service=$work/service
mkdir -m 700 "$service"
port=$(free_port) enroll_port=$(free_port)
write_service_configuration "$service" "$port" "$enroll_port"
printf '  %s$ cloisterd --config service/cloisterd.toml --check%s\n' "$dim" "$off"
"$CLOISTERD" --config "$service/cloisterd.toml" --check | indent
started=$(date +%s%N)
"$CLOISTERD" --config "$service/cloisterd.toml" 2>"$service/log" &
daemon=$!
join_token spiffe://demo.example/acme/trainer "$service/acme.token"
say "serving $((($(date +%s%N) - started) / 1000000)) ms after its start, the first join token included"
join_token spiffe://demo.example/globex/trainer "$service/globex.token"
say 'acme enrols over the local socket; globex over the network, the service proven by the bundle:'
server=spiffe://demo.example/cloister/keys
cl enroll "$service/acme.service" --service "127.0.0.1:$port" --server "$server" --unix "$service/keys.sock" --token-file "$service/acme.token"
python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["bundle"]))' "$service/acme.service" >"$service/bundle.json"
cl enroll "$service/globex.service" --service "127.0.0.1:$port" --server "$server" --at "127.0.0.1:$enroll_port" --bundle "$service/bundle.json" --token-file "$service/globex.token"
say 'a join token is good once:'
refuse 4 'used' enroll "$service/thief.service" --service "127.0.0.1:$port" --server "$server" --unix "$service/keys.sock" --token-file "$service/acme.token"

say 'acme and globex seal and open through it; the dataset keys never leave it:'
unset CLOISTER_HOME
for tenant in acme globex; do
  dataset=$tenant/fashion
  cl --service "$service/$tenant.service" seal "$plain/fashion/train-labels" "$stored/$tenant-by-service.sealed" --dataset "$dataset"
  "$CLOISTER" --service "$service/$tenant.service" --purpose train cat "$stored/$tenant-by-service.sealed" --force |
    cmp - "$plain/fashion/train-labels" || surprise "what $tenant opened through the service differs"
done
row 'through the key service' "$(($(size_of "$plain/fashion/train-labels") * 2))" '' 'identical'
say 'what the home sealed opens through the service, too:'
"$CLOISTER" --service "$service/acme.service" --purpose train cat "$stored/eng.traineddata.sealed" --force |
  cmp - "$plain/eng.traineddata" || surprise 'the model differs through the service'

say "globex asks for acme's keys, then for a purpose that no rule allows, then for a tenant that isn't there:"
refuse 4 'refused' --service "$service/globex.service" --purpose train cat "$stored/eng.traineddata.sealed"
refuse 4 'refused' --service "$service/globex.service" --purpose export cat "$stored/globex-by-service.sealed"
refuse 4 'refused' --service "$service/globex.service" --purpose train seal "$plain/fashion/train-labels" nobody.sealed --dataset nobody/fashion

step "11. The refusal is in acme's log, and anybody with its public key can prove it"
export CLOISTER_HOME=$work/home
"$CLOISTER" audit key acme >"$service/acme.vkey"
cl audit export acme "$service/acme.jsonl"
grep -h '"outcome": *"refused"' "$service/acme.jsonl" | grep globex/trainer | head -n 1 | cut -c1-300 | indent
grep '"outcome": *"refused"' "$service/acme.jsonl" | has_line globex/trainer || surprise "acme's log doesn't have globex's refusal"
say 'verified from that file and the public key, without a home:'
printf '  %s$ cloister audit verify acme.jsonl --key acme.vkey%s\n' "$dim" "$off"
env -u CLOISTER_HOME HOME="$work/nobody" "$CLOISTER" audit verify "$service/acme.jsonl" --key "$service/acme.vkey" | indent
say 'with the refusal taken out of the file:'
grep -v globex/trainer "$service/acme.jsonl" >"$service/censored.jsonl"
refuse 3 'line' audit verify "$service/censored.jsonl" --key "$service/acme.vkey"

say 'told to end, the service finishes what it began:'
kill -TERM "$daemon"
wait "$daemon" || surprise "cloisterd ended with $?: $(tail -n 3 "$service/log")"
row 'the log of decisions' "$(size_of "$service/acme.jsonl")" '' 'proven'

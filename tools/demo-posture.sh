# shellcheck shell=bash disable=SC2154 # what the other parts of the demonstration set
# The demonstration's audits, read by tools/demo.sh: what one says of the data as it lay there, and what one says of it
# sealed, with keys, paths, attested releases and the red team's exercises as evidence; both in one report.
posture=$work/posture
report=$demo_folder/../build/posture.html
mkdir -m 700 "$posture"

# estate WHERE-IMAGES WHERE-MODEL WHERE-LOG: what there is and whose it is. The same names, before and after.
estate() {
  cat <<TOML
version = 1
id = "demo"
home_owner = "security"

[[location]]
name = "images"
address = "file:$1"
kind = "training-data"
owner = "data-team"
environment = "production"
tenant = "acme"
sensitivity = "sensitive-business"

[[location]]
name = "text-model"
address = "file:$2"
kind = "model"
owner = "ml-platform"
environment = "production"
tenant = "acme"
sensitivity = "third-party-ip"

[[location]]
name = "questions"
address = "file:$3"
kind = "inference-log"
owner = "ml-platform"
environment = "production"
tenant = "acme"
sensitivity = "regulated-personal-data"
TOML
}

workload() {  # name, use
  cat <<TOML

[[workload]]
name = "$1"
use = "$2"
owner = "ml-platform"
environment = "production"
sensitivity = "regulated-personal-data"
host_trusted = true
TOML
}

# Programs of Cloister that run on this machine besides are seen as well.
other_programs() {
  local program
  for program in cloisterd cloister-relay cloister-worker; do
    if grep -qsx "$program" /proc/[0-9]*/comm || grep -qs "^name = \"$program\"" "$posture/before.toml"; then workload "$program" key-service; fi
  done
}

# What the audit prints, without its long tail.
summary() { sed -n '1,/^Coverage/p' | indent; }

audit_before() {
  estate "$plain/fashion" "$plain/eng.traineddata" "$plain/inference.jsonl" >"$posture/before.toml"
  other_programs >>"$posture/before.toml"
  printf '  %s$ cloister posture audit --estate before.toml --skip sockets --report before.json%s\n' "$dim" "$off"
  "$CLOISTER" posture audit --estate "$posture/before.toml" --skip sockets --report "$posture/before.json" >"$posture/before.text" ||
    surprise "the audit failed: $(tail -n 3 "$posture/before.text")"
  summary <"$posture/before.text"
  grep -q '^demo: Unrated' "$posture/before.text" || surprise 'plaintext data was rated'
  grep -q 'can be read without a key' "$posture/before.text" || surprise 'the audit found no plaintext'
}

# The components, their links and who may be reached from where are as the relays ran.
after_estate() {
  estate "$stored/fashion" "$stored/eng.traineddata.sealed" "$stored/inference.sealed"
  local component
  for component in model features; do
    cat <<TOML

[[endpoint]]
name = "$component"
address = "$(eval echo "\$${component}_at:\$${component}_tls")"
owner = "ml-platform"
environment = "production"
sensitivity = "regulated-personal-data"
TOML
  done
  workload gateway inference
  workload model inference
  workload features inference
  workload worker inference
  workload operator other
  other_programs
  sed '/^version = /d; /^id = /d' "$transit/graph.toml"
  cat <<'TOML'

[[component]]
name = "worker"
spiffe_id = "spiffe://demo.example/acme/worker"

[[component]]
name = "operator"
spiffe_id = "spiffe://demo.example/operators/me"
TOML
}

# The decision about each workload is its owner's; what the rule says of it is computed.
decide() {  # workload, decision
  "$CLOISTER" posture decide "$1" --estate "$posture/after.toml" --decision "$2" --owner ml-lead --approver security-lead >/dev/null ||
    surprise "no decision about $1"
}

audit_after() {
  after_estate >"$posture/after.toml"
  say 'which workloads justify a TEE, by sensitivity and use; their owners decide:'
  "$CLOISTER" posture candidates --estate "$posture/after.toml" | sed '/^$/,$d' | indent
  local name
  for name in gateway model features worker operator; do decide "$name" tee; done
  local options=(--estate "$posture/after.toml" --policy "$service/policy.toml" --facts "$posture/drills.jsonl"
    --evidence "$transit/evidence" --evidence "$transit/receipts" --bundle "demo.example=$service/bundle.json"
    --scan "$transit/evidence/scan-model.json" --scan "$transit/evidence/scan-features.json" --skip sockets)
  say 'the same estate, sealed, with what the other parts left behind as evidence (other programs of this machine'
  say 'are not part of it, so its sockets are left out, and the report says so):'
  printf '  %s$ cloister posture audit --estate after.toml --evidence evidence/ --scan scan-model.json …%s\n' "$dim" "$off"
  "$CLOISTER" posture audit "${options[@]}" >"$posture/after.text" ||
    surprise "the audit failed: $(tail -n 3 "$posture/after.text")"
  summary <"$posture/after.text"
  grep -q '^demo: Foundational' "$posture/after.text" || surprise "the estate is at another level than it should be: $(head -n 1 "$posture/after.text")"
  mkdir -p "$(dirname "$report")"
  local first
  first=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["run"])' "$posture/before.json")
  printf '  %s$ cloister posture show --before %s --html posture.html%s\n' "$dim" "${first:0:12}" "$off"
  "$CLOISTER" posture show --before "$first" --html "$report" --force >"$posture/shown.text" || surprise 'both runs in one report failed'
  [[ -s $report ]] || surprise 'there is no report'
  say 'and for an auditor, who needs a public key and judges again, offline:'
  "$CLOISTER" audit key - >"$posture/log.vkey" || surprise 'the log has no key'
  cl posture export -o "$posture/run.jsonl"
  printf '  %s$ cloister posture verify posture/run.jsonl --key posture/log.vkey%s\n' "$dim" "$off"
  "$CLOISTER" posture verify "$posture/run.jsonl" --key "$posture/log.vkey" >"$posture/verified.text" || surprise "the bundle doesn't verify"
  tail -n 1 "$posture/verified.text" | indent
  sed 's/"status":"fail"/"status":"pass"/' "$posture/run.jsonl" >"$posture/forged.jsonl"
  ! cmp -s "$posture/run.jsonl" "$posture/forged.jsonl" || surprise 'there was nothing to forge'
  refuse 3 'signed' posture verify "$posture/forged.jsonl" --key "$posture/log.vkey"
  row 'posture' "$(size_of "$posture/run.jsonl")" '' 'Unrated before, Foundational now'
}

# What the exercises come to is evidence too.
red_team() {
  local named=(--log "$service/log" --manifest "$service/cloisterd.toml")
  mkdir -p "$work/elsewhere"
  cl store anchor "$work/elsewhere/home.anchor"
  printf '  %s$ cloister redteam run --authorised-by demo %s --facts drills.jsonl%s\n' "$dim" "${named[*]//$work\//}" "$off"
  "$CLOISTER" redteam run --authorised-by demo "${named[@]}" --facts "$posture/drills.jsonl" >"$posture/drills.text" 2>&1 ||
    surprise "an exercise wasn't defended: $(grep -A 2 FAILED "$posture/drills.text" || tail -n 3 "$posture/drills.text")"
  indent <"$posture/drills.text"
}

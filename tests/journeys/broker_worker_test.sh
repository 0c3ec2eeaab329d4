#!/usr/bin/env bash
# A model whose key three services share, two of which have to release it to the attested worker: one refuses or is away
# and it works, two refuse and both say why; leases are renewed with each, another service takes the place of one that
# refuses later, and with too few the worker ends.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/../cli/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/../cli/cloisterd_lib"
# shellcheck source=tests/cli/brokers_lib
source "$(dirname "${BASH_SOURCE[0]}")/../cli/brokers_lib"
worker=$(dirname "$CLOISTER")/cloister-worker
if [[ ! -x $worker ]]; then
  echo "skipped: $worker isn't built"
  exit 77
fi
worker_pid=
trap 'status=$?; [[ -z $worker_pid ]] || kill $worker_pid 2>/dev/null; kill_brokers; rm -rf "$top"; exit $status' EXIT

for name in eu us lab; do make_broker "$name"; done
unset CLOISTER_HOME
head -c 300000 /dev/urandom >model
digest=$(sha256sum <model | cut -d' ' -f1)
"$CLOISTER" --quiet seal model model.sealed --dataset acme/models --threshold 2 --broker eu.service --broker us.service --broker lab.service
"$CLOISTER" --json inspect model.sealed >said
anchor=$("$worker" key --out attester.pem)

# What us knows this worker by: over mutual TLS, in its own trust domain.
mkdir -m 700 id
python3 - us.service <<'PY'
import json, sys, textwrap
service = json.load(open(sys.argv[1]))
open("id/svid.pem", "w").write(service["svid"])
open("id/svid.key", "w").write(service["key"])
with open("id/bundle.pem", "w") as bundle:
    for key in service["bundle"]["keys"]:
        for certificate in key.get("x5c", []):
            lines = "\n".join(textwrap.wrap(certificate, 64))
            bundle.write(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
PY
chmod 600 id/svid.key
us_address=$(python3 -c 'import json; print(json.load(open("us.service"))["address"])')

# configure "eu us lab" COMMAND…: worker.toml and its manifest.
configure() {
  local names=$1 words='' word number=0 name table='[[service]]'
  shift
  for word in "$@"; do words+="\"$word\", "; done
  [[ $names == *' '* ]] || table='[service]'
  {
    printf 'name = "scorer"\nrole = "infer"\nmanifest = "%s"\n' "$top/manifest.toml"
    for name in eu us lab; do
      if [[ " $names " == *" $name "* ]]; then
        printf '%s\n' "$table"
        [[ $table == '[service]' ]] ||
          printf 'name = "%s"\nkeyring = "%s"\n' "$name" "$(json_get "unauthenticated.slots.$number.key_id" <said)"
        if [[ $name == us ]]; then
          printf 'address = "%s"\nid = "spiffe://us.test/cloister/keys"\n' "$us_address"
          printf 'certificate = "%s"\nkey = "%s"\nbundle = "%s"\n' "$top/id/svid.pem" "$top/id/svid.key" "$top/id/bundle.pem"
        else
          printf 'socket = "%s"\nuser = %s\n' "$top/$name/run/keys.sock" "$(id -u)"
        fi
      fi
      number=$((number + 1))
    done
    printf '[release]\ntenant = "acme"\ndataset = "models"\npurpose = "infer"\n'
    printf '[model]\npath = "%s"\nsha256 = "sha256:%s"\n' "$top/model.sealed" "$digest"
    printf '[attester]\nkind = "insecure_software"\nkey = "%s"\n' "$top/attester.pem"
    printf '[engine]\ncommand = [%s]\n' "${words%, }"
  } >worker.toml
  "$worker" manifest --config worker.toml --out manifest.toml
  manifest=$(sha256sum <manifest.toml | cut -d' ' -f1)
  image=$("$worker" check --config worker.toml | sed -n 's/^program sha256://p')
}

# release NAME [MANIFEST]: what that service gives attested workers of that manifest.
release() {
  cat >attested.toml <<TOML
version = 1
id = "workers-of-$1"
not_after = "never"
insecure_software_keys = ["${anchor#sha256:}"]
[[release]]
name = "scorers"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "${2:-$manifest}"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "$image"
lease_seconds = ${lease:-600}
TOML
  json document @attested.toml >body
  at "$1" expect_answer 200 by_socket PUT /v1/attestation/policy -d @body
}
another=$(printf x | sha256sum | cut -d' ' -f1)

run_worker() {
  "$worker" run --config worker.toml >engine.log 2>worker.log &
  worker_pid=$!
}
# expect_end STATUS WORD…
expect_end() {
  local expected=$1 status=0 word
  shift
  wait "$worker_pid" || status=$?
  worker_pid=
  [[ $status == "$expected" ]] || fail "the worker ended with $status, not $expected: $(cat worker.log)"
  for word in "$@"; do grep -q -- "$word" worker.log || fail "the worker doesn't say '$word': $(cat worker.log)"; done
}
expect_model() {
  expect_end 10 'the engine ended with status 0'
  [[ $(cut -d' ' -f1 engine.log) == "$digest" ]] || fail "the engine read something else: $(cat engine.log)"
}
said() { grep -q -- "$1" worker.log; }
passed_over() { grep '"key-service-passed-over"' worker.log | grep -q "\"service\":\"$1\""; }

# Nobody has a policy for it; then one has; then two, and the third is of another mind, wherever it stands.
configure 'eu us lab' /usr/bin/sha256sum '{model}'
run_worker
expect_end 4 '2 shares of its key are needed and 0 were given' 'key service eu' 'key service us' 'key service lab'
release eu
run_worker
expect_end 4 'and 1 was given' 'key service us: .*attestation policy' 'key service lab: .*attestation policy'
release us
release lab "$another"
run_worker
expect_model
if passed_over lab; then fail "lab was asked, though two had said yes: $(cat worker.log)"; fi
release lab
release eu "$another"
run_worker
expect_model
passed_over eu || fail "nothing is said of eu: $(cat worker.log)"
release lab "$another"
run_worker
expect_end 4 'and 1 was given' 'key service eu: ' 'key service lab: '

# One service alone gives its share, and that isn't the key.
configure eu /usr/bin/sha256sum '{model}'
release eu
run_worker
expect_end 4 'and 1 was given'

# Each was attested to with a challenge of its own, and each has it on record.
configure 'eu us lab' /bin/sleep 600
for name in eu us; do lease=4 release "$name"; done
lease=600 release lab
run_worker
eventually said '"lease-renewed"' || fail "the lease isn't renewed: $(cat worker.log)"
for name in eu us; do
  at "$name" cloister attest releases | has 'acme/models' || fail "$name has no release on record"
done

# eu has changed its mind: lab takes its place, and the worker goes on; with us against it as well it ends.
release eu "$another"
renewed_since() { [[ $(grep -c '"lease-renewed"' worker.log) -gt $1 ]]; }
eventually said '"lease-not-renewed".*"eu"' || fail "eu's refusal isn't said: $(cat worker.log)"
eventually renewed_since "$(grep -c '"lease-renewed"' worker.log)" || fail "lab didn't take eu's place: $(cat worker.log)"
at lab cloister attest releases | has 'acme/models' || fail 'lab has no release on record'
kill -0 "$worker_pid" || fail "the worker ended: $(cat worker.log)"
release us "$another"
expect_end 4 'renew the lease' 'key service us'

# One is away from the start: the others are enough. Two away: that may change, and the worker says so.
release eu
release us
stop_broker lab
configure 'eu us lab' /usr/bin/sha256sum '{model}'
release us
release eu "$another"
run_worker
expect_end 9 'key service lab'
release eu
run_worker
expect_model

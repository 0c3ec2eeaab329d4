#!/usr/bin/env bash
# A model's key leaves the service for an attested worker alone: on the Unix socket and by mutual TLS, released, renewed,
# refused for debug, for another manifest and for a key nobody named; and not by unwrap.
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
head -c 500000 /dev/urandom >model
digest=$(sha256sum <model | cut -d' ' -f1)
cloister --quiet seal model model.sealed --dataset acme/models
write_policy worker-1
sed -i 's/^operation = \["generate"/operation = ["release", "dataset.show", "generate"/; s/^purpose = "train"/purpose = ["train", "infer"]/' policy.toml
write_config
start_daemon
anchor=$("$worker" key --out attester.pem)

# configure [socket|tls] COMMAND…: worker.toml and its manifest.
configure() {
  local way=$1 words='' word
  shift
  for word in "$@"; do words+="\"$word\", "; done
  {
    printf 'name = "scorer"\nrole = "infer"\nmanifest = "%s"\n[service]\n' "$work/manifest.toml"
    if [[ $way == socket ]]; then
      printf 'socket = "%s"\nuser = %s\n' "$socket" "$(id -u)"
    else
      printf 'address = "127.0.0.1:%s"\nid = "spiffe://%s/cloister/keys"\n' "$tls_port" "$domain"
      printf '[identity]\ncertificate = "%s"\nkey = "%s"\nbundle = "%s"\n' "$work/id/svid.pem" "$work/id/svid.key" "$work/id/bundle.pem"
    fi
    printf '[release]\ntenant = "acme"\ndataset = "models"\npurpose = "infer"\n'
    printf '[model]\npath = "%s"\nsha256 = "sha256:%s"\n' "$work/model.sealed" "$digest"
    printf '[attester]\nkind = "insecure_software"\nkey = "%s"\n' "$work/attester.pem"
    printf '[engine]\ncommand = [%s]\n[lockdown]\ndebug = %s\n' "${words%, }" "${debug:-false}"
  } >worker.toml
  "$worker" manifest --config worker.toml --out manifest.toml
  manifest=$(sha256sum <manifest.toml | cut -d' ' -f1)
  image=$("$worker" check --config worker.toml | sed -n 's/^program sha256://p')
}

# release_policy MANIFEST KEY: what attested workers are given.
release_policy() {
  cat >attested.toml <<TOML
version = 1
id = "workers"
not_after = "never"
insecure_software_keys = ["$2"]
[[release]]
name = "scorers"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "$1"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "$image"
lease_seconds = ${lease:-600}
TOML
  json document @attested.toml >body
  expect_answer 200 by_socket PUT /v1/attestation/policy -d @body
}

run_worker() {
  "$worker" run --config worker.toml >engine.log 2>worker.log &
  worker_pid=$!
}
# expect_end STATUS WORD
expect_end() {
  local status=0
  wait "$worker_pid" || status=$?
  worker_pid=
  [[ $status == "$1" ]] || fail "the worker ended with $status, not $1: $(cat worker.log)"
  grep -q -- "$2" worker.log || fail "the worker doesn't say '$2': $(cat worker.log)"
}
said() { grep -q -- "$1" worker.log; }

# Without a policy, with one for somebody else, with one for this worker.
configure socket /usr/bin/sha256sum '{model}'
run_worker
expect_end 4 'attestation policy'
release_policy "$manifest" "$(printf x | sha256sum | cut -d' ' -f1)"
run_worker
expect_end 4 'trusted-root'
release_policy "$(printf x | sha256sum | cut -d' ' -f1)" "${anchor#sha256:}"
run_worker
expect_end 4 'key service'
release_policy "$manifest" "${anchor#sha256:}"
run_worker
expect_end 10 'the engine ended with status 0'
[[ $(cut -d' ' -f1 engine.log) == "$digest" ]] || fail "the engine read something else: $(cat engine.log)"

# The same key doesn't come by any other way, and not for a worker that may be looked into.
"$CLOISTER" --quiet enroll local.service --server "spiffe://$domain/cloister/keys" --unix "$socket" --service "127.0.0.1:$tls_port"
expect_error 4 'attested workers alone' env -u CLOISTER_HOME "$CLOISTER" --service local.service --purpose train open model.sealed opened
expect_absent opened
debug=true configure socket /usr/bin/sha256sum '{model}'
release_policy "$manifest" "${anchor#sha256:}"
run_worker
expect_end 4 debug

# By mutual TLS, bound to the connection. The lease is renewed until another policy is in force.
mkdir -m 700 id
python3 - local.service <<'PY'
import base64, json, sys, textwrap
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
configure tls /bin/sleep 600
lease=4 release_policy "$manifest" "${anchor#sha256:}"
run_worker
eventually said '"lease-renewed"' || fail "the lease isn't renewed: $(cat worker.log)"
release_policy "$(printf x | sha256sum | cut -d' ' -f1)" "${anchor#sha256:}"
expect_end 4 'renew the lease'
stop_daemon

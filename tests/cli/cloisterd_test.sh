#!/usr/bin/env bash
# The key service as a program: started on a home, a workload enrolled by join token and by its user, keys handed out
# over mutual TLS, identities denied, configuration reloaded, everything on record. The client is curl.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
for program in curl openssl; do
  command -v $program >/dev/null || {
    echo "skipped: $program isn't installed"
    exit 77
  }
done
trap 'status=$?; end_daemon; rm -rf "$work"; exit $status' EXIT

make_home
write_policy journey-1
write_config

# What is wrong is said before anything is started.
"$CLOISTERD" --config cloisterd.toml --check | has "serves the home $CLOISTER_HOME"
expect_status 5 "$CLOISTERD" --config absent.toml --check
sed 's/trust_domain/trust_domian/' cloisterd.toml >wrong.toml
expect_status 2 "$CLOISTERD" --config wrong.toml
grep -q 'line 2: there is no key trust_domian: did you mean trust_domain?' .err || fail "$(cat .err)"
chmod 666 wrong.toml
expect_status 4 "$CLOISTERD" --config wrong.toml --check
sed 's|^file = .*|file = "/nowhere/policy.toml"|' cloisterd.toml >wrong2.toml
expect_status 5 "$CLOISTERD" --config wrong2.toml --check
expect_status 2 "$CLOISTERD"

start_daemon

# Health and numbers.
expect_answer 200 by_socket GET /livez
expect_answer 200 by_socket GET /readyz
[[ $(json_get ready <answer) == True ]] || fail "not ready: $(cat answer)"
expect_answer 200 by_socket GET /metrics
grep -q '^cloister_ready 1$' answer || fail 'metrics'
expect_problem 401 unauthenticated by_enroll GET /metrics
expect_answer 200 by_enroll GET /readyz

# A workload without an identity gets one for a token, once.
"$CLOISTERD" token --config cloisterd.toml "spiffe://$domain/acme/trainer" >join-token
request trainer
json join_token "$(cat join-token)" request @trainer.csr >body
expect_answer 200 by_enroll POST /v1/identity/enroll -d @body
cp answer enrolled
[[ $(json_get spiffe_id <enrolled) == "spiffe://$domain/acme/trainer" ]] || fail 'another identity'
json_get svid <enrolled >trainer.pem
python3 - <<'PY'
import base64, json
keys = json.load(open("enrolled"))["bundle"]["keys"]
with open("bundle.pem", "w") as out:
    for key in keys:
        if key["use"] == "x509-svid":
            out.write("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % key["x5c"][0])
PY
openssl verify -x509_strict -CAfile bundle.pem trainer.pem >/dev/null || fail "OpenSSL doesn't take the certificate"
expect_problem 403 refused by_enroll POST /v1/identity/enroll -d @body
json join_token cljoin_x request @trainer.csr >wrong
expect_problem 400 invalid-request by_enroll POST /v1/identity/enroll -d @wrong
expect_status 2 "$CLOISTERD" token --config cloisterd.toml "spiffe://$domain/cloister/keys"

# The server proves itself to whoever has the bundle.
openssl s_client -connect "127.0.0.1:$enroll_port" -tls1_3 -CAfile bundle.pem -verify_return_error </dev/null \
  >session 2>&1 || fail "the server's chain doesn't verify: $(cat session)"

# Keys over mutual TLS, for what the policy allows.
keys=/v1/tenants/acme/datasets/data
object=$(printf 'object-0000001' | base64)
expect_answer 200 by_tls trainer POST $keys/generate -H 'cloister-purpose: train' -d "{\"keys\":[{\"object\":\"$object\"}]}"
key=$(json_get keys.0.key <answer)
wrapped=$(json_get keys.0.wrapped <answer)
version=$(json_get keys.0.version <answer)
unwrap="{\"keys\":[{\"object\":\"$object\",\"version\":$version,\"wrapped\":\"$wrapped\"}]}"
expect_answer 200 by_tls trainer POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap"
[[ $(json_get keys.0.key <answer) == "$key" ]] || fail 'another key'
expect_problem 403 refused by_tls trainer POST $keys/unwrap -H 'cloister-purpose: debug' -d "$unwrap"
expect_problem 403 refused by_tls trainer POST /v1/tenants/globex/datasets/data/unwrap -H 'cloister-purpose: train' -d "$unwrap"
expect_problem 403 refused by_tls trainer POST /v1/tenants/nobody/datasets/data/unwrap -H 'cloister-purpose: train' -d "$unwrap"
expect_problem 401 unauthenticated by_enroll POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap"
curl -sS -k --tlsv1.3 "https://127.0.0.1:$tls_port/livez" 2>/dev/null && fail 'mutual TLS without a certificate'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout forged.key -out forged.pem -subj / \
  -addext "subjectAltName=URI:spiffe://$domain/ops/admin" 2>/dev/null
by_tls forged GET /livez >/dev/null 2>&1 && fail 'mutual TLS with a certificate of nobody'

# Renewal, for the same identity only; a token for others.
request renewed
json request @renewed.csr >body
expect_answer 200 by_tls trainer POST /v1/identity/renew -d @body
json_get svid <answer >renewed.pem
expect_answer 200 by_tls renewed POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap"
expect_problem 401 unauthenticated by_enroll POST /v1/identity/renew -d @body
expect_answer 200 by_tls trainer POST /v1/identity/jwt -d '{"audience":["https://vault.test"]}'
[[ $(json_get token <answer) == *.*.* ]] || fail 'no token'

# A process of this machine, by its user.
expect_answer 200 by_socket POST /v1/identity/enroll-unix -d @body
[[ $(json_get spiffe_id <answer) == "spiffe://$domain/acme/local" ]] || fail 'another identity'
expect_problem 401 unauthenticated by_enroll POST /v1/identity/enroll-unix -d @body

# Whoever is denied is out at once, also on a connection that stands.
deny="{\"id\":\"spiffe://$domain/acme/trainer\",\"lifetime_seconds\":7200,\"reason\":\"leaked\"}"
expect_answer 200 by_socket POST /v1/identity/deny -d "$deny"
refused() { ! by_tls trainer POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap" || [[ $(cat answer) == *denied* ]]; }
eventually refused || fail 'a denied identity is served'
expect_answer 200 by_socket GET /v1/identity/denied/acme
[[ $(json_get denied.0.reason <answer) == leaked ]] || fail 'the deny list'
expect_answer 200 by_socket POST /v1/identity/allow -d "{\"id\":\"spiffe://$domain/acme/trainer\"}"
served() { [[ $(by_tls trainer POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap") == 200 ]]; }
eventually served || fail 'an identity that is allowed again is refused'

# A wrong policy keeps the old one; a new one is taken over.
echo 'version = 2' >policy.toml
kill -HUP "$daemon"
eventually logged not-reloaded || fail 'a wrong policy is taken'
expect_answer 200 by_tls trainer POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap"
write_policy journey-2 infer
kill -HUP "$daemon"
eventually logged reloaded || fail 'the policy is not reloaded'
expect_problem 403 refused by_tls trainer POST $keys/unwrap -H 'cloister-purpose: train' -d "$unwrap"
expect_answer 200 by_tls trainer POST $keys/unwrap -H 'cloister-purpose: infer' -d "$unwrap"

# What a running daemon can't change is said.
cp -p cloisterd.toml kept.toml
printf '[anomalies]\nenabled = false\n' >>cloisterd.toml
logged restart-needed && fail 'a restart is asked for without a reason'
kill -HUP "$daemon"
eventually logged restart-needed || fail 'the anomalies are switched off without a word'
mv kept.toml cloisterd.toml
kill -HUP "$daemon"

# A KEK that is due is rotated, and what was wrapped before still opens.
expect_answer 200 by_socket PUT /v1/tenants/acme/rotation -d '{"rotate_after_seconds":1}'
rotated() { by_socket GET /metrics && grep -q '^cloister_rotations_total [1-9]' answer; }
eventually rotated || fail 'a KEK that is due is not rotated'
expect_answer 200 by_socket PUT /v1/tenants/acme/rotation -d '{"rotate_after_seconds":null}'
expect_answer 200 by_tls trainer POST $keys/unwrap -H 'cloister-purpose: infer' -d "$unwrap"
[[ $(json_get keys.0.key <answer) == "$key" ]] || fail 'another key after the rotation'

# A second daemon finds the socket taken.
cp daemon.log first.log
expect_status 6 "$CLOISTERD" --config cloisterd.toml

stop_daemon
expect_absent "$socket"
[[ $(stat -c %a home/anomalies.state) == 600 ]] || fail 'the state of the detectors'
# No key, token or certificate's key in the log.
for secret in "$key" "$wrapped" "$(cat join-token)"; do
  grep -qF "$secret" daemon.log first.log && fail 'the log holds a secret'
done
python3 -c 'import json, sys; [json.loads(line) for line in open("daemon.log")]' || fail 'a line of the log is no JSON'
cloister audit verify >/dev/null
for action in identity.begin identity.issue identity.enroll identity.renew identity.issue-token identity.deny unwrap; do
  cloister --json audit list --limit 0 | grep -q "\"$action\"" || fail "no record of $action"
done

# Its identities are still good after a restart.
start_daemon
expect_answer 200 by_tls renewed POST $keys/unwrap -H 'cloister-purpose: infer' -d "$unwrap"
stop_daemon

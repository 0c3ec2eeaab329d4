#!/usr/bin/env bash
# scan: reports, JSON, SARIF, grades and exit statuses, kept results and their trend. Against OpenSSL's own server.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
command -v openssl >/dev/null || { echo 'skipped: no openssl'; exit 77; }

key() { openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt >"$1"; chmod 600 "$1"; }
key ca.key
openssl req -x509 -key ca.key -subj '/CN=scan test authority' -days 30 -out ca.pem \
  -addext 'keyUsage=critical,keyCertSign,cRLSign' -addext 'subjectAltName=URI:spiffe://scan.test' 2>/dev/null
# issue NAME EXTENSIONS…: a certificate of a day.
issue() {
  local name=$1
  shift
  key "$name.key"
  openssl req -new -key "$name.key" -subj '/' -out "$name.csr" 2>/dev/null
  printf '%s\n' 'basicConstraints=critical,CA:false' 'keyUsage=critical,digitalSignature' "$@" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -days 1 -set_serial "0x$(openssl rand -hex 15)" \
    -extfile "$name.ext" -out "$name.pem" 2>/dev/null
}
issue svid 'subjectAltName=critical,URI:spiffe://scan.test/model' 'extendedKeyUsage=serverAuth,clientAuth'
issue web 'subjectAltName=IP:127.0.0.1,DNS:localhost' 'extendedKeyUsage=serverAuth'

servers=()
trap 'status=$?; kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"; exit $status' EXIT
# serve NAME OPTIONS…: sets $port.
serve() {
  local name=$1
  shift
  : >"$name.out"  # the loop below may look before the server's shell has made it
  openssl s_server -accept 127.0.0.1:0 -cert "$name.pem" -key "$name.key" -www "$@" >"$name.out" 2>&1 &
  servers+=($!)
  for _ in $(seq 200); do
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$name.out")
    [[ -n $port ]] && return
    sleep 0.05
  done
  fail "the server doesn't start: $(cat "$name.out")"
}

# A mesh endpoint that does what it should, but for post-quantum groups, which this server's library may lack.
serve svid -tls1_3 -Verify 1 -verify_return_error -CAfile ca.pem -no_ticket
mesh=$port
expect_status 0 cloister scan "127.0.0.1:$mesh" --profile mesh-workload --authorities ca.pem
has 'mesh-workload' <"$work/.out" || fail 'no profile'
cloister --json scan "127.0.0.1:$mesh" --profile mesh-workload --authorities ca.pem >mesh.json
expect test "$(json_get format <mesh.json)" = cloister-scan/1
expect test "$(json_get targets.0.port <mesh.json)" = "$mesh"
python3 - mesh.json <<'PYTHON' || fail 'the facts are not as they should be'
import json, sys
target = json.load(open(sys.argv[1]))["targets"][0]
facts = {(f["check"], f["subject"]): f["seen"] for f in target["facts"]}
expected = {("M1", "required"): "yes", ("P6", ""): "yes", ("P5", ""): "no", ("X1", "trusted"): "yes", ("X11", "svid"): "yes",
            ("W2", "plaintext answers"): "no", ("W6", "h2c"): "no"}
wrong = {key: facts.get(key) for key, value in expected.items() if facts.get(key) != value}
if wrong:
    sys.exit(f"{wrong}")
fatal = [one["rule"] for one in target["lost"] if one["points"] >= 10]
if fatal:
    sys.exit(f"lost {fatal}")
PYTHON

# A certificate of nobody's authority, no client certificate asked for.
serve web
web=$port
expect_status 0 cloister scan "127.0.0.1:$web" --profile mesh-workload
has 'no-client-certificate' <"$work/.out" || fail 'nobody misses the client certificate'
has 'not assessed' <"$work/.out" || fail 'trust is not said to be unknown'
expect_error 4 'graded F, worse than B' cloister scan "127.0.0.1:$web" --profile mesh-workload --at-least B
cloister scan "127.0.0.1:$web" --authorities ca.pem --facts | has '^X4 *names host *yes' || fail 'no facts'

# SARIF.
cloister scan "127.0.0.1:$web" --profile mesh-workload --sarif >scan.sarif
expect test "$(json_get version <scan.sarif)" = 2.1.0
has '"ruleId": "no-client-certificate"' <scan.sarif || fail 'SARIF lacks a result'

# Kept results and their trend; a list of targets.
printf '# ours\n127.0.0.1:%s\n\n127.0.0.1:%s\n' "$mesh" "$web" >list
cloister scan --list list --profile mesh-workload --authorities ca.pem --keep kept >/dev/null
cloister scan "127.0.0.1:$mesh" --profile mesh-workload --keep kept >/dev/null
expect test "$(find kept -name '*.json' | wc -l)" = 3
cloister scan trend kept | has "^127.0.0.1:$mesh mesh-workload" || fail 'no trend'
expect test "$(cloister --json scan trend kept | json_get targets.0.target | cut -d: -f1)" = 127.0.0.1
echo '{}' >kept/other.json
expect_error 2 'no result of' cloister scan trend kept
expect_error 5 'no stored scans' cloister scan trend "$(mktemp -d -p "$work")"

# Refusals.
expect_error 2 'name an endpoint' cloister scan
expect_error 2 'no profile perfect' cloister scan "127.0.0.1:$web" --profile perfect
expect_error 2 'come together' cloister scan "127.0.0.1:$web" --client-cert svid.pem
expect_error 2 'issuer-key' cloister scan "127.0.0.1:$web" --issuer-cert ca.pem --issuer-key web.key
expect_status 2 cloister scan nonsense
kill "${servers[1]}"
wait "${servers[1]}" 2>/dev/null || true
expect_error 9 "scan 127.0.0.1:$web" cloister scan "127.0.0.1:$web"

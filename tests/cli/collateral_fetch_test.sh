#!/usr/bin/env bash
# attest collateral fetch, against stand-ins of the vendors' services: what comes, what doesn't, throttling, an outage, a
# mirror that is behind, a proxy's page.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
here=$SOURCE_DIR/tests/cli
command -v openssl >/dev/null || { echo 'skipped: there is no openssl'; exit 77; }

# --- An authority and its list ----------------------------------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj '/CN=stand-in' \
  -days 3650 2>/dev/null
cat >ca.conf <<'CONF'
[ca]
default_ca = this
[this]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 30
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
CONF
touch index.txt
echo 01 >number
openssl ca -config ca.conf -gencrl -keyfile ca.key -cert ca.pem -out list.pem 2>/dev/null
openssl crl -in list.pem -outform DER -out list.der

echo good >mood
python3 "$here/vendor_stand_in.py" port list.der ca.pem mood log &
server=$!
trap 'status=$?; kill $server 2>/dev/null || true; rm -rf "$work"; exit $status' EXIT
for _ in $(seq 300); do [[ -f port ]] && break; sleep 0.1; done
base=http://127.0.0.1:$(cat port)
vendors=(--address "intel-pcs=$base/intel" --address "intel-root-crl=$base/root" --address "amd-kds=$base/amd"
  --address "nvidia-rim=$base/rim")
fetch() { cloister attest collateral fetch "${vendors[@]}" "$@"; }
state() { cloister --json attest collateral list | python3 -c '
import json, sys
print(sum(1 for item in json.load(sys.stdin)["items"] if item["name"] == sys.argv[1]))' "$1"; }

# --- What is asked for comes ------------------------------------------------------------------------------------------
expect_status 0 cloister init --log-server lab.example
pieces=(intel-tcb-info/tdx/00806f050000 intel-qe-identity/tdx intel-crl/platform intel-crl/root amd-crl/Milan/vcek
  amd-chain/Milan/vcek nvidia-rim/NV_GPU_DRIVER_GH100_535.86.09)
expect_status 0 fetch "${pieces[@]}"
has '^7 new pieces' <"$work/.out" || fail "$(cat "$work/.out")"
[[ $(wc -l <log) == 7 ]] || fail "asked $(cat log)"
expect_status 0 cloister attest collateral export --folder out
expect grep -q 'BEGIN CERTIFICATE' out/intel-tcb-info/tdx/00806f050000.chain.pem
expect_same out/intel-crl/root.der list.der
# What is there and not due isn't asked for again, unless it is wanted.
expect_status 0 fetch "${pieces[@]}"
[[ $(wc -l <log) == 7 ]] || fail "asked again: $(cat log)"
expect_status 0 fetch --all "${pieces[@]}"
has '0 new pieces, 0 newer, 7 the same' <"$work/.out" || fail "$(cat "$work/.out")"

# --- What doesn't -----------------------------------------------------------------------------------------------------
expect_error 5 '1 piece didn.t come: intel-tcb-info/sgx/00906ed50000' fetch intel-tcb-info/sgx/00906ed50000
# Throttled: the others come all the same, and what was kept stays.
echo busy >mood
expect_status 9 cloister --json attest collateral fetch "${vendors[@]}" --all amd-crl/Milan/vcek intel-crl/processor
[[ $(json_get failed.0.code <"$work/.out") == unavailable && $(json_get added <"$work/.out") == 1 ]]
[[ $(state intel-crl/processor) == 1 && $(state amd-crl/Milan/vcek) == 1 ]]
# A mirror that is behind.
echo old >mood
expect_status 0 fetch --all intel-tcb-info/tdx/00806f050000
has 'was left out: what is kept is newer' <"$work/.out" || fail "$(cat "$work/.out")"
# A proxy that says something else.
echo proxy >mood
expect_error 2 "didn't come" fetch --all intel-tcb-info/tdx/00806f050000
[[ $(state intel-tcb-info/tdx/00806f050000) == 1 ]]
# Nobody there.
kill $server
wait $server 2>/dev/null || true
expect_error 9 "didn't come" fetch --all intel-crl/root
expect_status 0 cloister attest collateral list
cloister audit list | has 'collateral.fetch' || fail 'not recorded'

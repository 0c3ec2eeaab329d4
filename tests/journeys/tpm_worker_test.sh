#!/usr/bin/env bash
# A TPM's attestation key is enrolled, and a model's key goes to the worker that it attests: identity, challenge, answer,
# endorsement, release; and what is refused of each.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/../cli/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/../cli/cloisterd_lib"
worker=$(dirname "$CLOISTER")/cloister-worker
skip() {
  echo "skipped: $1"
  exit 77
}
[[ -x $worker ]] || skip "$worker isn't built"
type swtpm >"$work/.out" 2>&1 || skip "swtpm isn't installed"
processes=()
end() {
  local status=$? process
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
  end_daemon
  rm -rf "$work"
  exit "$status"
}
trap end EXIT

# start_tpm NAME: a TPM in software behind two sockets in a folder of its own.
start_tpm() {
  mkdir -p "$1"
  swtpm socket --tpm2 --tpmstate "dir=$work/$1" --server "type=unixio,path=$work/$1/tpm" --ctrl "type=unixio,path=$work/$1/tpm.ctrl" \
    --flags not-need-init,startup-clear >"$work/$1/log" 2>&1 &
  tpm_pid=$!
  processes+=("$tpm_pid")
  eventually test -S "$1/tpm" || fail "swtpm doesn't start: $(cat "$work/$1/log")"
  "$worker" tpm identity --tpm "swtpm:path=$work/$1/tpm" --out "$1.identity" 2>"$work/.err" && return
  ! has 'load tpm2-tss' <"$work/.err" || skip "tpm2-tss isn't installed"
  fail "no TPM: $(cat "$work/.err" "$work/$1/log")"
}
# worker_says STATUS PATTERN ARGUMENTS…: cloister-worker ends so, in one line.
worker_says() {
  local expected=$1 pattern=$2
  shift 2
  expect_status "$expected" "$worker" "$@"
  grep -q -- "$pattern" "$work/.err" || fail "cloister-worker $*: nothing of '$pattern': $(cat "$work/.err")"
  [[ $(grep -c '^cloister-worker: ' "$work/.err") == 1 ]] || fail "cloister-worker $* says more or less than one line: $(cat "$work/.err")"
}
# edit FILE MEMBER VALUE TO: another member of a file of enrolment.
edit() { sed "s|\"$2\":\"[^\"]*\"|\"$2\":\"$3\"|" "$1" >"$4"; }
member() { sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$1"; }
# Base64 with another character shortly before its end.
changed() {
  local at=$((${#1} - 8)) other=A
  [[ ${1:at:1} != A ]] || other=B
  printf '%s' "${1:0:at}$other${1:at+1}"
}

start_tpm machine
start_tpm other
machine=swtpm:path=$work/machine/tpm other=swtpm:path=$work/other/tpm

cloister --quiet init
cloister --quiet tenant create acme
cloister --quiet dataset create acme/models

# --- A challenge is made for a TPM that somebody vouches for -----------------------------------------------------------
expect_error 2 'whose TPM is it' cloister attest tpm challenge machine.identity -o machine.challenge
ek=$(grep -o 'sha256:[0-9a-f]\{64\}' "$work/.err")
expect_error 2 'whose TPM is it' cloister attest tpm challenge machine.identity -o machine.challenge --ek "$ek" --ek-authorities machine.identity
expect_error 4 'another one' cloister attest tpm challenge other.identity -o other.challenge --ek "$ek"
expect_absent other.challenge
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=vendor -keyout vendor.key -out vendor.pem -days 30 2>/dev/null
expect_error 5 'no certificate' cloister attest tpm challenge machine.identity -o machine.challenge --ek-authorities vendor.pem
sed "s|^{|{\"endorsement_certificate\":\"$(openssl x509 -in vendor.pem -outform der | base64 -w0)\",|" machine.identity >certified.identity
expect_error 4 'another endorsement key' cloister attest tpm challenge certified.identity -o machine.challenge --ek-authorities vendor.pem
expect_error 2 'hours' cloister attest tpm challenge machine.identity -o machine.challenge --ek "$ek" --hours 0
expect_absent machine.challenge
# A key that may do more than attest: the attestation key's place has a key that decrypts.
edit machine.identity attestation_key "$(member machine.identity endorsement_key)" decrypting.identity
expect_error 4 'may sign what no TPM said' cloister attest tpm challenge decrypting.identity -o machine.challenge --ek "$ek"
edit machine.identity type cloister-tpm-answer typed.identity
expect_error 2 'type' cloister attest tpm challenge typed.identity -o machine.challenge --ek "$ek"
expect_status 0 cloister attest tpm challenge machine.identity -o machine.challenge --ek "$ek"
expect_error 6 machine.challenge cloister attest tpm challenge machine.identity -o machine.challenge --ek "$ek"
has 'named by its operator' < <(cloister audit list) || fail 'nothing on record says how the endorsement key is known'

# --- Only that TPM answers it, and only once ---------------------------------------------------------------------------
worker_says 2 'needed' tpm identity
worker_says 4 'another key' tpm activate machine.challenge --tpm "$other"
name=$(member machine.challenge attestation_name)
edit machine.challenge object "$(changed "$(member machine.challenge object)")" changed.challenge
worker_says 4 'open a credential' tpm activate changed.challenge --tpm "$machine"
expect_status 0 "$worker" tpm activate machine.challenge --tpm "$machine" --out machine.answer
expect_status 0 cloister attest tpm challenge machine.identity -o second.challenge --ek "$ek"
edit machine.answer id "$(member second.challenge id)" crossed.answer
expect_error 4 "isn't to that challenge" cloister attest tpm endorse crossed.answer
expect_status 0 cloister attest tpm challenge other.identity -o other.challenge --ek "$(cloister attest tpm challenge other.identity -o no 2>&1 | grep -o 'sha256:[0-9a-f]*')"
expect_status 0 "$worker" tpm activate other.challenge --tpm "$other" --out other.answer
edit other.answer id "$(member machine.answer id)" crossed.answer
expect_error 4 'another key' cloister attest tpm endorse crossed.answer
edit machine.answer id 00000000000000000000000000000000 unknown.answer
expect_error 4 'no challenge of that number' cloister attest tpm endorse unknown.answer
for part in quote signature pcrs; do
  edit machine.answer "$part" "$(changed "$(member machine.answer "$part")")" changed.answer
  expect_error 4 "isn't sound" cloister attest tpm endorse changed.answer
done
# Collateral that can't be read uses no challenge up.
echo nonsense >"$CLOISTER_HOME/collateral.bundle"
cloister attest tpm endorse machine.answer 2>"$work/.err" && fail 'endorsed beside nonsense'
rm "$CLOISTER_HOME/collateral.bundle"
expect_status 0 cloister --json attest tpm endorse machine.answer
cp "$work/.out" endorsed.json
[[ $(json_get assurance <endorsed.json) == insecure_software ]] || fail "$(cat endorsed.json)"
[[ $(json_get attestation_name <endorsed.json) == "$(base64 -d <<<"$name" | od -An -v -tx1 | tr -d ' \n')" ]] || fail "$(cat endorsed.json)"
measurement=$(json_get claims.measurement <endorsed.json)
expect_error 4 'no challenge of that number' cloister attest tpm endorse machine.answer
has tpm-endorsement < <(cloister attest collateral list) || fail 'the endorsement is not in the collateral'

# --- A worker that this TPM attests ------------------------------------------------------------------------------------
head -c 500000 /dev/urandom >model
digest=$(sha256sum <model | cut -d' ' -f1)
cloister --quiet seal model model.sealed --dataset acme/models
write_policy worker-1
sed -i 's/^operation = \["generate"/operation = ["release", "dataset.show", "generate"/; s/^purpose = "train"/purpose = ["train", "infer"]/' policy.toml
write_config
start_daemon

configure() {
  cat >worker.toml <<TOML
name = "scorer"
role = "infer"
manifest = "$work/manifest.toml"
[service]
socket = "$socket"
user = $(id -u)
[release]
tenant = "acme"
dataset = "models"
purpose = "infer"
[model]
path = "$work/model.sealed"
sha256 = "sha256:$digest"
[attester]
kind = "tpm"
tpm = "$machine"
[engine]
command = ["/usr/bin/sha256sum", "{model}"]
TOML
  "$worker" manifest --config worker.toml --out manifest.toml
  manifest=$(sha256sum <manifest.toml | cut -d' ' -f1)
}
# release_policy ASSURANCE MEASUREMENT
release_policy() {
  cat >attested.toml <<TOML
version = 1
id = "workers"
not_after = "never"
[[release]]
name = "scorers"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "$manifest"
assurance = "$1"
platform = "tpm"
product = "any"
chip = "any"
measurement = "$2"
lease_seconds = 600
TOML
  json document @attested.toml >body
  expect_answer 200 by_socket PUT /v1/attestation/policy -d @body
}
# attempt STATUS WORDS: the worker ends with that status, and so says it or its log.
attempt() {
  local status=0
  "$worker" run --config worker.toml >engine.log 2>worker.log || status=$?
  [[ $status == "$1" ]] || fail "the worker ended with $status, not $1: $(cat worker.log)"
  grep -q -- "$2" worker.log || fail "the worker doesn't say '$2': $(cat worker.log)"
}

configure
release_policy hardware "$measurement"
attempt 4 'insecure_software'
release_policy insecure_software "$(printf other | sha256sum | cut -d' ' -f1)"
attempt 4 'key service'
release_policy insecure_software "$measurement"
attempt 10 'the engine ended with status 0'
[[ $(cut -d' ' -f1 engine.log) == "$digest" ]] || fail "the engine read something else: $(cat engine.log)"

# A TPM that nobody enrolled; then this one, once its machine measured something else; then one that was withdrawn.
machine=$other configure
release_policy insecure_software "$measurement"
attempt 4 'endorsement'
configure
release_policy insecure_software "$measurement"
attempt 10 'the engine ended with status 0'
extend_register() {
  python3 - "$1" <<'PY'
import socket, struct, sys
body = struct.pack(">II", 4, 9) + struct.pack(">IHBH", 0x40000009, 0, 0, 0) + struct.pack(">IH", 1, 0x0B) + b"\x22" * 32
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(sys.argv[1])
tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
answer = tpm.recv(4096)
sys.exit(answer[6:10] != bytes(4))
PY
}
extend_register "$work/machine/tpm" || fail 'the register was not extended'
attempt 4 'measurement'
cloister --quiet attest tpm withdraw "$(json_get attestation_name <endorsed.json)"
expect_error 5 'endorses no' cloister attest tpm withdraw "$(json_get attestation_name <endorsed.json)"
withdrawn() { [[ $(grep -c '"event":"collateral-read"' daemon.log) -ge 2 ]]; }
eventually withdrawn || fail "cloisterd doesn't look at the collateral again: $(cat daemon.log)"
attempt 4 'endorsement'
while read -r release; do
  expect_status 0 cloister attest replay "$release"
done < <(cloister --json attest releases | python3 -c 'import json, sys; [print(one["release"]) for one in json.load(sys.stdin)["releases"]]')
stop_daemon

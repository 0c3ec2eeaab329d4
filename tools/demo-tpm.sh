# shellcheck shell=bash disable=SC2153,SC2154 # what demo.sh, demo-service.sh, demo-transit.sh and demo-use.sh set
# The demonstration's part with a TPM, read by tools/demo-use.sh: the TPM's key is enrolled, the model's key goes to the
# worker that it attests, and no longer once the machine measured something else.
# A TPM in software of this demonstration's own, behind a socket in a folder.
start_tpm() {
  type swtpm >/dev/null 2>&1 || return 1
  mkdir "$use/tpm"
  swtpm socket --tpm2 --tpmstate "dir=$use/tpm" --server "type=unixio,path=$use/tpm/tpm" --ctrl "type=unixio,path=$use/tpm/tpm.ctrl" \
    --flags not-need-init,startup-clear >"$use/tpm/log" 2>&1 &
  helpers+=("$!")
  wait_for 'swtpm' 10 test -S "$use/tpm/tpm"
  "$use/cloister-worker" tpm identity --tpm "$tpm" --out "$use/machine.identity" 2>"$use/tpm/said" && return
  grep -q 'load tpm2-tss' "$use/tpm/said" || surprise "no identity of the TPM: $(cat "$use/tpm/said")"
  return 1
}

# The worker's configuration for that TPM: on the Unix socket, and its engine is sha256sum, which ends at once.
write_tpm_worker() {
  sed -n '/^\[release\]/,/^sha256 /p' "$use/worker.toml" >"$use/model.part"
  cat - "$use/model.part" >"$use/tpm.toml" <<TOML
name = "voice-digest"
role = "infer"
manifest = "$use/tpm.manifest.toml"

[attester]
kind = "tpm"
tpm = "$tpm"

[engine]
command = ["$(command -v sha256sum)", "{model}"]

[service]
socket = "$service/keys.sock"
user = $(id -u)

TOML
  chmod 600 "$use/tpm.toml"
  "$use/cloister-worker" manifest --config "$use/tpm.toml" --out "$use/tpm.manifest.toml"
}

# A rule more: this configuration, on a machine with that measurement.
write_tpm_policy() {
  cat - >>"$use/attested.toml" <<TOML

[[release]]
name = "the same model, on the machine whose TPM was enrolled"
tenant = "acme"
environment = "none"
dataset = "voice"
purpose = "infer"
role = "infer"
manifest = "$(sha256sum <"$use/tpm.manifest.toml" | cut -d' ' -f1)"
platform = "tpm"
assurance = "insecure_software"
product = "any"
chip = "any"
measurement = "$1"
lease_seconds = 300
TOML
  python3 -c 'import json, sys; json.dump({"document": open(sys.argv[1]).read()}, open(sys.argv[2], "w"))' "$use/attested.toml" "$use/attested.json"
  to_service PUT /v1/attestation/policy "$use/attested.json" >"$use/said" || surprise "no policy: $(cat "$use/said")"
}

# tpm_worker STATUS WORDS: it ends with that status, and so says its log.
tpm_worker() {
  local status=0
  printf '  %s$ cloister-worker run --config use/tpm.toml%s\n' "$dim" "$off"
  (cd "$use" && exec "$use/cloister-worker" run --config "$use/tpm.toml") >"$use/tpm.digest" 2>"$use/tpm.log" || status=$?
  [[ $status == "$1" ]] || surprise "the worker with the TPM: status $status: $(tail -n 3 "$use/tpm.log")"
  grep -q -- "$2" "$use/tpm.log" || surprise "the worker with the TPM: nothing of '$2': $(tail -n 3 "$use/tpm.log")"
}
tpm_worker_refused() {
  tpm_worker 4 "$1"
  python3 -c 'import json, sys; print(json.loads(sys.stdin.read().splitlines()[-1])["error"])' <"$use/tpm.log" | indent
  printf '    %srefused%s\n' "$green" "$off"
  refused=$((refused + 1))
}

# TPM2_PCR_Extend of register 4, where firmware leaves the boot loader's digest.
boot_something_else() {
  python3 - "$use/tpm/tpm" <<'PY'
import socket, struct, sys
body = struct.pack(">II", 4, 9) + struct.pack(">IHBH", 0x40000009, 0, 0, 0) + struct.pack(">IH", 1, 0x0B) + b"\x22" * 32
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(sys.argv[1])
tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
sys.exit(tpm.recv(4096)[6:10] != bytes(4))
PY
}

step '20. A machine whose TPM is enrolled'
tpm=swtpm:path=$use/tpm/tpm
if start_tpm; then
  say 'the machine shows its keys; the operator reads the endorsement key there, and makes a challenge that only this TPM opens:'
  printf '  %s$ cloister-worker tpm identity --tpm %s --out use/machine.identity%s\n' "$dim" "${tpm//$work\//}" "$off"
  endorsement=$("$CLOISTER" attest tpm challenge "$use/machine.identity" -o "$use/machine.challenge" 2>&1 | grep -o 'sha256:[0-9a-f]\{64\}' || true)
  cl attest tpm challenge "$use/machine.identity" --ek "$endorsement" -o "$use/machine.challenge"
  printf '  %s$ cloister-worker tpm activate use/machine.challenge --tpm %s --out use/machine.answer%s\n' "$dim" "${tpm//$work\//}" "$off"
  "$use/cloister-worker" tpm activate "$use/machine.challenge" --tpm "$tpm" --out "$use/machine.answer"
  printf '  %s$ cloister attest tpm endorse use/machine.answer%s\n' "$dim" "$off"
  "$CLOISTER" --json attest tpm endorse "$use/machine.answer" >"$use/endorsed" || surprise 'the TPM is not endorsed'
  python3 - "$use/endorsed" <<'PY' | indent
import json, sys
endorsed = json.load(open(sys.argv[1]))
print("attestation key", endorsed["attestation_name"])
print("measurement", endorsed["claims"]["measurement"])
print("assurance", endorsed["assurance"])
PY
  say 'this TPM is swtpm, a program: it says so itself, and stays insecure_software, whoever enrols it'
  write_tpm_worker
  wait_for 'the endorsement' 10 grep -q '"event":"collateral-read","items":1' "$service/log"
  write_tpm_policy "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["claims"]["measurement"])' "$use/endorsed")"
  tpm_worker 10 'the engine ended with status 0'
  [[ $(cut -d' ' -f1 "$use/tpm.digest") == "$(sha256sum <"$voice_model" | cut -d' ' -f1)" ]] || surprise 'the engine read another model'
  say 'attested by the TPM, it was given the key; its engine, sha256sum, read the model and nothing else'
  say 'the same machine, booted with another boot loader (register 4 was extended):'
  boot_something_else || surprise 'the register was not extended'
  tpm_worker_refused 'measurement'
  row 'release to an enrolled TPM' 0 '' 'insecure_software'
else
  say 'left out: swtpm or tpm2-tss is not installed here'
fi

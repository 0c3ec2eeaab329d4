#!/usr/bin/env bash
# attest: evidence shown, packed and verified; collateral imported, exported, listed, and what is refused of it.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

# --- Evidence -------------------------------------------------------------------------------------------------------
printf 'hello' >quote.bin
expect_status 2 cloister attest show quote.bin
expect_error 2 'name one file' cloister attest show
expect_error 2 'go together' cloister attest show --kind tpm
expect_error 2 'no evidence of that kind' cloister attest show --kind sample --part a=quote.bin
expect_error 2 'write NAME=FILE' cloister attest show --kind tpm --part quote.bin
expect_error 2 'there twice' cloister attest show --kind tpm --part a=quote.bin --part a=quote.bin
expect_status 0 cloister attest show --kind tpm --part quote=quote.bin
has 'part quote, 5 bytes' <"$work/.out" || fail "$(cat "$work/.out")"
expect_status 0 cloister attest pack --kind tpm --part quote=quote.bin -o one.evidence
expect_status 0 cloister attest pack one.evidence --device one.evidence -o two.evidence
[[ $(cloister --json attest show two.evidence | json_get evidence.1.kind) == tpm ]]
expect_error 6 two.evidence cloister attest pack one.evidence -o two.evidence
truncate -s -1 two.evidence
expect_status 2 cloister attest show two.evidence

# --- A verdict ------------------------------------------------------------------------------------------------------
expect_error 2 nonce cloister attest verify one.evidence
expect_error 2 'at most 64 bytes' cloister attest verify one.evidence --nonce "$(printf '%0130d' 0)"
expect_error 2 nonce cloister attest verify one.evidence --nonce xyz
expect_error 2 'SHA-256' cloister attest verify one.evidence --nonce any --software-key 00
expect_error 4 'the evidence is refused' cloister attest verify one.evidence --nonce any --at 2026-11-26T00:00:00Z
has '^refused as of 2026-11-26T00:00:00.000Z' <"$work/.out" || fail "$(cat "$work/.out")"
has 'FAILED' <"$work/.out" || fail "$(cat "$work/.out")"
cloister --json attest verify one.evidence --nonce any >verdict.json 2>/dev/null || true
[[ $(json_get verdict <verdict.json) == refused && $(json_get primary.checks.0.state <verdict.json) == failed ]]

# The verdict signed for others: it needs a home, and says what holds now.
expect_error 2 'leave --at away' cloister attest verify one.evidence --nonce any --at 2026-11-26T00:00:00Z --ear result.jwt
expect_status 5 cloister --home elsewhere attest verify one.evidence --nonce any --ear result.jwt
[[ ! -e result.jwt ]] || fail 'a result without a key'
cloister --home signing init >/dev/null
expect_error 2 '8 to 64 bytes' cloister --home signing attest verify one.evidence --nonce 00 --ear result.jwt
expect_error 4 'the evidence is refused' cloister --home signing attest verify one.evidence --nonce 0011223344556677 --ear result.jwt
part() { cut -d. -f"$1" "${2:-result.jwt}" | tr -- '-_' '+/' | sed 's/$/===/' | base64 -d 2>/dev/null || true; }
[[ $(part 2 | json_get ear_status) == contraindicated ]] || fail "a refused one says $(part 2)"
[[ $(part 2 | json_get eat_nonce) == ABEiM0RVZnc ]] || fail "another nonce: $(part 2)"
[[ $(part 1 | json_get kid) == "$(cloister --home signing attest result-keys | json_get keys.1.kid)" ]] || fail 'signed with the key of hardware'
cloister --home signing audit list | has 'attestation.result' || fail 'it is not on record'
expect_status 6 cloister --home signing attest verify one.evidence --nonce 0011223344556677 --ear result.jwt

# Whether keys would be released.
cat >attested.toml <<'TOML'
version = 1
id = "acme"
not_after = "never"

[[release]]
name = "models to tdx"
tenant = "acme"
environment = "none"
dataset = "models"
purpose = "infer"
role = "infer"
manifest = "any"
assurance = "hardware"
platform = "tdx"
product = "any"
chip = "any"
measurement = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
tcb_status = "UpToDate"
lease_seconds = 300
TOML
asked=(--policy attested.toml --dataset acme/models --purpose infer --role infer --manifest quote.bin)
expect_error 2 'needs --dataset' cloister attest verify one.evidence --nonce any --policy attested.toml
expect_error 4 'releases nothing' cloister attest verify one.evidence --nonce any "${asked[@]}"
has '^not released by acme: ' <"$work/.out" || fail "$(cat "$work/.out")"
expect_error 2 quote.bin cloister attest verify one.evidence --nonce any "${asked[@]/attested.toml/quote.bin}"

# Signed for others: what the policy refuses, and nothing of what it would release by an operator's word.
key=$(python3 - <<'PY'
import hashlib, struct, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
key = Ed25519PrivateKey.generate()
public = key.public_key()
said = b"CLOISTER-INSECURE-SOFTWARE-1" + public.public_bytes(Encoding.Raw, PublicFormat.Raw) + bytes(range(32)) + bytes(32)
said += bytes(range(64)) + struct.pack("<Q", int(time.time() * 1000)) + bytes(3)
with open("statement.bin", "wb") as file:
    file.write(said + key.sign(said))
print(hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest())
PY
)
sed -e 's/"hardware"/"insecure_software"/; s/"tdx"/"insecure_software"/; /^tcb_status/d' \
  -e "s/^not_after.*/&\ninsecure_software_keys = \"$key\"/" attested.toml >software.toml
stated=(attest verify --kind insecure_software --part statement=statement.bin --software-key "$key"
  --nonce "$(python3 -c 'print(bytes(range(64)).hex())')")
vector=submods.cpu0.ear_trustworthiness_vector
expect_status 0 cloister --home signing "${stated[@]}" "${asked[@]/attested.toml/software.toml}" --ear allowed.jwt
has '^released by acme: ' <"$work/.out" || fail "$(cat "$work/.out")"
[[ $(part 2 allowed.jwt | json_get $vector.executables) == 33 && $(part 2 allowed.jwt | json_get $vector.configuration) == 36 ]] ||
  fail "it affirms what nothing bound: $(part 2 allowed.jwt)"
part 2 allowed.jwt | has ear_appraisal_policy_ids && fail "a policy that isn't why: $(part 2 allowed.jwt)"
expect_error 4 'releases nothing' cloister --home signing "${stated[@]}" "${asked[@]}" --ear refused.jwt
[[ $(part 2 refused.jwt | json_get $vector.executables) == 96 ]] || fail "it isn't refused: $(part 2 refused.jwt)"
[[ $(part 2 refused.jwt | json_get submods.cpu0.ear_appraisal_policy_ids.0) == acme ]] || fail "nor by whom: $(part 2 refused.jwt)"

# --- Collateral -----------------------------------------------------------------------------------------------------
expect_status 0 cloister attest collateral list
has 'there is no collateral' <"$work/.out" || fail "$(cat "$work/.out")"
info() { # NUMBER ISSUED
  mkdir -p loose/intel-tcb-info/tdx
  printf '{"tcbInfo":{"issueDate":"%sT00:00:00Z","nextUpdate":"2027-01-01T00:00:00Z","tcbEvaluationDataNumber":%s},"signature":"00"}' \
    "$2" "$1" >loose/intel-tcb-info/tdx/00806f050000.json
}
info 18 2026-11-02
expect_status 0 cloister attest collateral list --collateral loose --at 2026-11-03T00:00:00Z
has '^intel-tcb-info/tdx/00806f050000  2026-11-02  2027-01-01  ' <"$work/.out" || fail "$(cat "$work/.out")"
expect_error 5 home cloister attest collateral import loose

expect_status 0 cloister init --log-server lab.example
expect_status 0 cloister attest collateral import loose
has '1 new piece' <"$work/.out" || fail "$(cat "$work/.out")"
info 17 2026-11-20
expect_status 0 cloister attest collateral import loose
has 'was left out: what is kept is newer' <"$work/.out" || fail "$(cat "$work/.out")"
expect_status 0 cloister attest collateral export -o one.bundle
expect_error 6 one.bundle cloister attest collateral export -o one.bundle
expect_error 5 'no collateral to export' cloister attest collateral export -o none.bundle --only amd-
expect_error 2 'where to' cloister attest collateral export
expect_status 0 cloister attest collateral export --folder out
expect test -f out/intel-tcb-info/tdx/00806f050000.json
cloister audit key - >lab.vkey
cloister audit list | has 'collateral.export' || fail 'not recorded'

# To a site without a network.
export CLOISTER_HOME=$work/site
expect_status 0 cloister init --log-server site.example
expect_error 2 'whose signature' cloister attest collateral import one.bundle
expect_status 0 cloister attest collateral import one.bundle --key lab.vkey
expect_status 0 cloister attest collateral import one.bundle --key "$(cat lab.vkey)"
has '1 the same' <"$work/.out" || fail "$(cat "$work/.out")"
[[ $(cloister --json attest collateral list | json_get items.0.name) == intel-tcb-info/tdx/00806f050000 ]]
cloister audit key - >site.vkey
expect_error 4 one.bundle cloister attest collateral import one.bundle --key site.vkey
# A byte changed, and a bundle that is older than the last one.
python3 - <<'PY'
data = bytearray(open("one.bundle", "rb").read())
data[-20] ^= 1
open("changed.bundle", "wb").write(data)
PY
expect_status 2 cloister attest collateral import changed.bundle --key lab.vkey
sleep 0.01
cloister --home "$work/home" attest collateral export -o two.bundle
expect_status 0 cloister attest collateral import two.bundle --key lab.vkey
expect_error 4 'older than what was taken before' cloister attest collateral import one.bundle --key lab.vkey
# What the home keeps is its own: another's signature isn't taken there.
cp one.bundle site/collateral.bundle
expect_status 4 cloister attest collateral list

# --- Vendors --------------------------------------------------------------------------------------------------------
rm site/collateral.bundle
expect_error 2 'SERVICE=URL' cloister attest collateral fetch --address intel=https://x
expect_error 2 'KIND/KEY' cloister attest collateral fetch nothing
expect_error 8 'import it' cloister attest collateral fetch cca-endorsement/00/00

# --- Keys of TPMs: what needs no TPM; tests/journeys/tpm_worker_test.sh has the rest ----------------------------------
# An identity as a TPM would show it, and the fingerprint of its endorsement key.
ek=sha256:$(python3 - <<'PY'
import base64, hashlib, json, struct
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
sized = lambda text: struct.pack(">H", len(text)) + text
endorsement, attestation = rsa.generate_private_key(65537, 2048).public_key(), ec.generate_private_key(ec.SECP256R1()).public_key()
def endorsing(attributes):
    area = struct.pack(">HHI", 1, 0x0B, attributes) + sized(b"") + struct.pack(">HHHHHI", 6, 128, 0x43, 0x10, 2048, 0)
    return sized(area + sized(endorsement.public_numbers().n.to_bytes(256, "big")))
def attesting(attributes):
    point = attestation.public_numbers()
    area = struct.pack(">HHI", 0x23, 0x0B, attributes) + sized(b"") + struct.pack(">HHHHH", 0x10, 0x18, 0x0B, 3, 0x10)
    return sized(area + sized(point.x.to_bytes(32, "big")) + sized(point.y.to_bytes(32, "big")))
def identity(name, ek, ak):
    code = lambda text: base64.b64encode(text).decode()
    with open(name, "w") as file:
        json.dump({"type": "cloister-tpm-identity", "version": 1, "endorsement_key": code(ek), "attestation_key": code(ak)}, file)
identity("machine.identity", endorsing(0x300B2), attesting(0x50072))
identity("signing.identity", endorsing(0x300B2), attesting(0x40072))     # it isn't restricted
identity("leaving.identity", endorsing(0x300B2), attesting(0x50070))     # it isn't fixedTPM
identity("decrypting.identity", endorsing(0x300B2), attesting(0x70072))  # it decrypts, too
identity("open.identity", endorsing(0x200B2), attesting(0x50072))        # an endorsement key that decrypts anything
print(hashlib.sha256(endorsement.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest())
PY
)
expect_error 2 "whose TPM is it.*$ek" cloister attest tpm challenge machine.identity -o challenge
expect_error 2 'ek' cloister attest tpm challenge machine.identity -o challenge --ek 5f0c
expect_error 4 "another one: $ek" cloister attest tpm challenge machine.identity -o challenge --ek "sha256:$(printf '%064d' 7)"
for name in signing leaving decrypting; do
  expect_error 4 'may sign what no TPM said' cloister attest tpm challenge "$name.identity" -o challenge --ek "$ek"
done
expect_error 4 'may do more than decrypt' cloister attest tpm challenge open.identity -o challenge --ek "$ek"
expect_error 2 quote.bin cloister attest tpm challenge quote.bin -o challenge --ek "$ek"
expect_absent challenge
expect_status 0 cloister --json attest tpm challenge machine.identity -o challenge --ek "$ek" --hours 1
name=$(json_get attestation_name <"$work/.out")
[[ $(json_get endorsement_key <"$work/.out") == "$ek" && $(json_get type <challenge) == cloister-tpm-challenge ]] || fail "$(cat "$work/.out" challenge)"
cloister audit list | has 'tpm.challenge' || fail 'not recorded'
expect_error 2 'type' cloister attest tpm endorse challenge
printf '{"type":"cloister-tpm-answer","version":1,"id":"%032d","quote":"AA==","signature":"AA==","pcrs":"AA==","ak":"AA=="}' 7 >answer
expect_error 4 'no challenge of that number' cloister attest tpm endorse answer
expect_error 5 'endorses no' cloister attest tpm withdraw "$name"
expect_error 5 home cloister --home "$work/none" attest tpm endorse answer

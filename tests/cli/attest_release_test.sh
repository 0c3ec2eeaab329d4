#!/usr/bin/env bash
# attest policy, releases, replay: a policy that is good, one that isn't, into force and shown; what was never released.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

cat >attested.toml <<'TOML'
version = 1
id = "acme-attested-2027.1"
not_after = "never"
expect_at = 2027-06-01T00:00:00Z

[[release]]
name = "inference on tdx"
tenant = "acme"
environment = "production"
dataset = "models-*"
purpose = "infer"
role = "infer"
manifest = "any"
assurance = "hardware"
platform = "tdx"
product = "any"
chip = "any"
measurement = "91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407de03ae6dc5f87f27428b2538873118b7"
tcb_status = "UpToDate"
lease_seconds = 300

[[expect]]
tenant = "acme"
environment = "production"
dataset = "models-7"
purpose = "infer"
role = "infer"
manifest = "any"
platform = "tdx"
assurance = "insecure_software"
decision = "deny"
TOML

# No home is needed to check one.
cloister attest policy check attested.toml >out
grep -q '^good: acme-attested-2027.1, 1 rule, sha256:' out || fail "not called good: $(cat out)"
[[ $(cloister --json attest policy check attested.toml | json_get sha256) == "$(sha256sum attested.toml | cut -d' ' -f1)" ]] ||
  fail 'the hash is not that of the bytes'

sed 's/decision = "deny"/decision = "allow"/' attested.toml >wrong.toml
expect_error 2 'expected allow, but it is refused' cloister attest policy check wrong.toml
sed '/^measurement/d' attested.toml >open.toml
expect_error 2 "line 6: .*measurement isn't written" cloister attest policy check open.toml

# --- Into force ---------------------------------------------------------------------------------------------------
cloister init >/dev/null
expect_status 5 cloister attest policy show
cloister attest policy set attested.toml >out
grep -q '^in force: acme-attested-2027.1' out || fail "not in force: $(cat out)"
cloister attest policy show >shown
expect_same shown attested.toml
expect_status 2 cloister attest policy set wrong.toml
cloister attest policy show >shown
expect_same shown attested.toml
cloister audit list | has 'policy.set' || fail 'it is not on record'

# --- What was never released ----------------------------------------------------------------------------------------
expect_status 5 cloister attest releases
expect_error 5 'nothing was released from this home' cloister attest replay 0123456789abcdef0123456789abcdef

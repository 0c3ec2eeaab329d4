#!/usr/bin/env bash
# policy: what is allowed, what is refused and why; expectations that hold and that fail; what a new policy changes.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

cat >acme.toml <<'TOML'
version = 1
id = "acme-2027.1"
not_after = 2028-01-01T00:00:00Z
expect_at = 2027-06-01T00:00:00Z

[[allow]]
name = "trainers"
caller = "spiffe://acme.example/train/*"
operation = ["generate", "unwrap"]
tenant = "acme"
environment = "production"
dataset = ["images", "voices-*"]
purpose = ["train", "checkpoint"]

[[allow]]
name = "operators"
caller = "spiffe://acme.example/ops/**"
operation = ["kek.rotate", "kek.show"]
tenant = "acme"
environment = "any"
purpose = "operate"

[[deny]]
name = "voices are frozen"
caller = "any"
operation = "any"
tenant = "acme"
environment = "any"
dataset = "voices-*"
purpose = "any"

[[quota]]
tenant = "any"
requests_per_second = 100
burst = 200
keys_per_batch = 1000

[[expect]]
caller = "spiffe://acme.example/train/job-7"
operation = "unwrap"
tenant = "acme"
environment = "production"
dataset = "voices-7"
purpose = "train"
decision = "deny"
rule = "voices are frozen"
TOML

# No home is needed, and none is made.
cloister policy check acme.toml >out
grep -q '^policy acme-2027.1$' out || fail "no id: $(cat out)"
grep -q '2 allow rules, 1 deny rule, 1 quota' out || fail "wrong counts: $(cat out)"
grep -q '1 expectation holds' out || fail "no expectation: $(cat out)"
grep -q "sha256 $(sha256sum acme.toml | cut -d' ' -f1)" out || fail 'the hash is not that of the bytes'
expect_absent home
expect test -z "$(cloister --quiet policy check acme.toml)"

trainer=(cloister policy test acme.toml --caller spiffe://acme.example/train/job-7 --at 2027-06-01T00:00:00Z)
"${trainer[@]}" --operation unwrap --tenant acme/production --dataset images --purpose train >out
grep -q '^allowed: rule "trainers" allows it$' out || fail "not allowed: $(cat out)"
expect_status 0 "${trainer[@]}" --operation unwrap --dataset acme/production/images --purpose train
expect_status 0 cloister policy test acme.toml --caller spiffe://acme.example/ops/a/b --operation kek.rotate --tenant acme --purpose operate --at 2027-06-01T00:00:00Z
"${trainer[@]}" --json --operation unwrap --dataset acme/production/images --purpose train >reply
expect test "$(json_get allowed <reply)" = True
expect test "$(json_get rule <reply)" = trainers
expect test "$(json_get quota.keys_per_batch <reply)" = 1000
expect test "$(json_get policy.id <reply)" = acme-2027.1
expect test "$(json_get policy.sha256 <reply)" = "$(sha256sum acme.toml | cut -d' ' -f1)"

# Refusals: the Denied status, and the reason.
expect_error 4 'for other purposes, not for export' "${trainer[@]}" --operation unwrap --dataset acme/production/images --purpose export
expect_error 4 'other datasets, not of faces' "${trainer[@]}" --operation unwrap --dataset acme/production/faces --purpose train
expect_error 4 'rule "voices are frozen" denies it' "${trainer[@]}" --operation unwrap --dataset acme/production/voices-1 --purpose train
expect_error 4 'no rule allows this caller unwrap of globex/images for train' "${trainer[@]}" --operation unwrap --dataset globex/images --purpose train
expect_error 4 'no rule allows this caller unwrap of acme/images for train' "${trainer[@]}" --operation unwrap --dataset acme/images --purpose train
expect_error 4 'names no purpose' "${trainer[@]}" --operation unwrap --dataset acme/production/images
expect_error 4 'names no tenant' "${trainer[@]}" --operation unwrap --dataset images --purpose train
expect_error 4 'must not name a dataset' "${trainer[@]}" --operation kek.rotate --dataset acme/images --purpose operate
expect_error 4 "isn't a SPIFFE id" cloister policy test acme.toml --caller alice --operation random --purpose operate
expect_error 4 '1001 keys at once' "${trainer[@]}" --operation unwrap --dataset acme/production/images --purpose train --keys 1001
expect_error 4 'the policy ended at 2028-01-01' cloister policy test acme.toml --caller spiffe://acme.example/train/job-7 --at 2028-01-01T00:00:00Z --operation unwrap --dataset acme/production/images --purpose train
status=0
"${trainer[@]}" --json --operation wrap --dataset acme/production/images --purpose train >reply 2>err || status=$?
expect test "$status" = 4
expect test "$(json_get allowed <reply)" = False
expect test "$(json_get error.code <err)" = denied

# Usage.
expect_error 2 'did you mean unwrap' "${trainer[@]}" --operation unwarp --purpose train
expect_error 2 'did you mean train' "${trainer[@]}" --operation unwrap --purpose trian
expect_error 2 'a time like' cloister policy test acme.toml --caller spiffe://a --operation random --at yesterday
expect_error 2 "isn't the tenant of" "${trainer[@]}" --operation unwrap --tenant globex --dataset acme/images --purpose train
expect_error 2 'caller is required' cloister policy test acme.toml --operation unwrap
expect_error 2 '' cloister policy
expect_error 5 'nowhere.toml' cloister policy check nowhere.toml

# Expectations that fail: check lists them, nothing is decided by the policy.
sed 's/decision = "deny"/decision = "allow"/' acme.toml >failing.toml
expect_error 2 '1 of 1 expectation failed' cloister policy check failing.toml
grep -q '^finding: line 38: expected allow by rule "voices are frozen", but it is refused' .out || fail "no finding: $(cat .out)"
expect_error 2 '1 of 1 expectations of the policy fail' cloister policy test failing.toml --caller spiffe://a --operation random --purpose operate

# Mistakes, with their line.
sed 's/^caller = "any"/callers = "any"/' acme.toml >typo.toml
expect_error 2 'typo.toml: line 25: .*no key callers: did you mean caller?' cloister policy check typo.toml
sed '/^dataset = \["images/d' acme.toml >unset.toml
expect_error 2 'dataset isn.t written: name it, or write "any"' cloister policy check unset.toml
printf '[&' >malformed.toml
expect_error 2 'line 1: a header is' cloister policy check malformed.toml
sed 's/^version = 1/version = 2/' acme.toml >newer.toml
expect_error 8 'newer than this program' cloister policy check newer.toml
: >empty.toml
cloister policy check empty.toml | has 'refuses everything' || fail 'the empty policy'
expect_error 4 'no rule allows' cloister policy test empty.toml --caller spiffe://a --operation random --purpose operate
head -c 9000000 /dev/zero | tr '\0' '\n' >large.toml
expect_error 2 'large.toml' cloister policy check large.toml

# What a new policy changes.
cloister policy diff acme.toml acme.toml | has '^they decide alike$' || fail 'a policy differs from itself'
sed -e 's/"generate", "unwrap"/"unwrap", "release"/' -e 's/burst = 200/burst = 100/' -e '/^\[\[expect/,$d' acme.toml >new.toml
cloister policy diff acme.toml new.toml >out
grep -q '^! *trainers .*spiffe://acme.example/train/\* .*operation +release -generate$' out || fail "the rule's change: $(cat out)"
grep -q '2 changes, 1 of which may give somebody more' out || fail "the count: $(cat out)"
cloister --json policy diff acme.toml new.toml >reply
expect test "$(json_get changes.0.widens <reply)" = True
expect test "$(json_get changes.1.widens <reply)" = False
expect_error 2 'failing.toml' cloister policy diff acme.toml failing.toml
true

#!/usr/bin/env bash
# redteam: the playbook, runs with and without somebody who answers for them, exit statuses, and facts that posture takes.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

[[ $(cloister redteam list --json | json_get exercises | tr -cd '{' | wc -c) == 51 ]] || fail 'not 46 exercises and five drills'
cloister redteam list RT-K12 | has 'defended when'
expect_error 5 'no exercise' cloister redteam list RT-K99
expect_status 2 cloister redteam run RT-A01
expect_error 2 "isn't this machine" cloister redteam run RT-A01 --authorised-by ada --server 192.0.2.7:443
expect_error 2 'no exercise' cloister redteam run RT-K99 --authorised-by ada

# Without a home: all on canary tenants.
expect_status 0 cloister redteam run RT-K12 RT-K09 RT-M06 RT-A01 RT-T04 RT-A10 --authorised-by ada --facts facts.jsonl
grep -q '^5 defended, 0 failed, 1 not run$' .out || fail "$(cat .out)"
[[ $(stat -c %a facts.jsonl) == 600 ]] || fail 'the facts are open to others'
[[ $(wc -l <facts.jsonl) == 4 ]] || fail 'a fact for each that was run, the canary server apart'
has '"simulated":true' <facts.jsonl
has '"authorised by ada"' <facts.jsonl

# Nothing was named: nothing is known, about anybody.
expect_status 0 cloister redteam run RT-K01 RT-K02 RT-K04 RT-K05 --authorised-by ada --facts none.jsonl
grep -q '^0 defended, 0 failed, 4 not run$' .out || fail "$(cat .out)"
[[ ! -s none.jsonl ]] || fail 'a fact about nothing'

# With one: its log has who answered, before it is attacked on copies.
expect_status 0 cloister init
for tenant in alder birch; do
  expect_status 0 cloister tenant create "$tenant"
  expect_status 0 cloister dataset create "$tenant/data"
  expect_status 0 cloister key rotate --tenant "$tenant"
done
expect_status 0 cloister redteam run RT-M06 --authorised-by ada
grep -q '^1 defended' .out || fail "$(cat .out)"
cloister audit list | has 'redteam.run'
cloister audit verify >/dev/null

# An older store, with and without an anchor.
expect_status 4 cloister redteam run RT-K10 --authorised-by ada
grep -q 'cloister store anchor' .out || fail "$(cat .out)"
mkdir "$work/elsewhere"
expect_status 0 cloister store anchor "$work/elsewhere/anchor"
expect_status 0 cloister redteam run RT-K10 destruction --authorised-by ada --facts drills.jsonl
grep -q '^2 defended' .out || fail "$(cat .out)"
has -F '"covers":["backup","cache","primary","replica"]' <drills.jsonl

# A failure says what to do, and ends with 4.
mkdir logs
echo 'debug: dek_key=4f1c9be27a305d68f2e1c0b7a9d83e5462718fbc0d9e3a5476c8b1f0e2d43a97' >logs/service.log
mkdir scratch
expect_status 4 cloister redteam run RT-K04 --authorised-by ada --log logs --no-home --scratch "$work/scratch"
grep -q 'FAILED' .out || fail "$(cat .out)"
grep -q 'rotate what was found' .out || fail "$(cat .out)"
! grep -q '4f1c9be2' .out || fail 'the secret itself is in the report'
[[ -z $(find "$work/scratch" -mindepth 1) ]] || fail "a folder was left behind"


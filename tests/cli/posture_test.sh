#!/usr/bin/env bash
# posture: an audit with and without a home, what is kept of it, bundles and what is refused of them, the gate, records.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

mkdir -p data/corpus
seq 1 2000 | sed 's/.*/{"text": "line &", "label": 1}/' >data/corpus/train.jsonl
cat >estate.toml <<TOML
version = 1
id = "acme"

[[location]]
name = "corpus"
address = "file:$PWD/data/corpus"
kind = "training-data"
owner = "data-team"
environment = "production"
tenant = "acme"
sensitivity = "regulated-personal-data"

[[workload]]
name = "training"
use = "training"
owner = "ml-platform"
environment = "production"
sensitivity = "regulated-personal-data"
reads = ["corpus"]
host_trusted = false
TOML

# Without a home: a report, nothing kept, nothing signed, and it says so.
expect_status 0 cloister posture audit --estate estate.toml --report first.json
has 'nothing was kept, and nothing signed' <"$work/.out" || fail "$(cat "$work/.out")"
[[ $(json_get levels.overall <first.json) == Unrated ]] || fail 'a level without evidence'
expect_error 5 home cloister posture show
expect_error 6 first.json cloister posture audit --estate estate.toml --report first.json
expect_error 5 nowhere.toml cloister posture audit --estate nowhere.toml
expect_error 2 'line 1' cloister posture audit --estate <(echo 'nonsense = 1')
expect_error 2 'no collector' cloister posture audit --estate estate.toml --only nonsense

# The gate: what fails closes it with 4; what nobody looked at with 9.
expect_status 4 cloister posture gate --report first.json --min-level Foundational
expect_status 9 cloister posture gate --report first.json --fail-on TRN-01
expect_status 0 cloister posture gate --report first.json --fail-on TRN-01 --max-not-assessed 1
expect_error 2 NONE-1 cloister posture gate --report first.json --fail-on NONE-1
expect_error 2 'not JSON' cloister posture gate --report estate.toml
sed 's/"at":"20[0-9]*/"at":"2020/' first.json >old.json
expect_error 9 'older than 24 hours' cloister posture gate --report old.json --fail-on TRN-01 --max-not-assessed 1
cloister posture gate --report first.json --write-baseline accepted.json >/dev/null
expect_status 0 cloister posture gate --report first.json --baseline accepted.json --max-not-assessed 60

# With a home: kept, signed, on the audit log, and the next run follows it.
expect_status 0 cloister init --log-server audit.example.com
expect_error 5 'no evidence' cloister posture show
expect_status 0 cloister posture audit --estate estate.toml
has 'kept and signed' <"$work/.out" || fail "$(cat "$work/.out")"
expect_status 0 cloister posture audit --estate estate.toml --html report.html --oscal report.oscal --sarif report.sarif --csv tables
grep -q '<svg' report.html || fail 'no picture'
[[ $(cloister --json posture trend | json_get trend.1.overall) == Unrated ]] || fail 'no trend'
[[ $(find "$CLOISTER_HOME/posture" -name '*.sealed' | wc -l) -eq 2 ]] || fail 'not two runs'
! grep -rq 'regulated-personal-data' "$CLOISTER_HOME/posture" || fail 'evidence lies there in the clear'
cloister audit list | has posture.run || fail 'the run is not on record'

expect_status 9 cloister posture gate --fail-on TRN-01
expect_status 0 cloister posture gate --fail-on TRN-01 --max-not-assessed 1

# Every finding leads to its evidence.
expect_status 0 cloister posture evidence GOV-06
has 'monotonicity' <"$work/.out" || fail "$(cat "$work/.out")"
id=$(cloister --json posture evidence GOV-06 | json_get verdicts.0.evidence.0.id)
expect_status 0 cloister posture evidence "${id:0:12}"
has "^fact $id" <"$work/.out" || fail "$(cat "$work/.out")"
expect_error 5 0123456789ab cloister posture evidence 0123456789ab
expect_error 2 control cloister posture evidence REST-99

# For an auditor: one command and a public key, no home.
key=$(cloister audit key -)
first=$(cloister --json posture trend | json_get trend.0.run)
expect_status 0 cloister posture export "$first" -o one.jsonl
expect_status 0 cloister posture export -o two.jsonl --proof two.proof
expect_error 2 'says less' cloister posture export --without-raw -o less.jsonl --proof less.proof
[[ ! -e less.jsonl ]] || fail 'a refused export left a bundle behind'
home=$CLOISTER_HOME
export CLOISTER_HOME=$PWD/nobody
expect_status 0 cloister posture verify one.jsonl two.jsonl --key "$key"
has 'its verdicts are what its facts come to' <"$work/.out" || fail "$(cat "$work/.out")"
expect_error 3 "isn't the run after" cloister posture verify two.jsonl one.jsonl --key "$key"
expect_status 0 cloister posture verify one.jsonl two.jsonl --key "$key" --proof two.proof
has 'of the audit log, under the head of' <"$work/.out" || fail "$(cat "$work/.out")"
expect_error 4 'something else' cloister posture verify one.jsonl --key "$key" --proof two.proof
sed '0,/^hash /{/^hash /d}' two.proof >short.proof
expect_error 3 "doesn't have the run" cloister posture verify two.jsonl --key "$key" --proof short.proof
sed '5d' two.jsonl >dropped.jsonl
expect_error 3 'what was signed' cloister posture verify dropped.jsonl --key "$key"
sed 's/"status":"not-assessed"/"status":"pass"/' two.jsonl >flipped.jsonl
expect_error 3 'what was signed' cloister posture verify flipped.jsonl --key "$key"
sed 's/"valid_until":"2/"valid_until":"3/' two.jsonl >later.jsonl
expect_error 3 '' cloister posture verify later.jsonl --key "$key"
head -c 5000 two.jsonl >cut.jsonl
expect_error 2 cut.jsonl cloister posture verify cut.jsonl --key "$key"
export CLOISTER_HOME=$PWD/stranger
cloister init --log-server audit.example.com >/dev/null
expect_error 4 '' cloister posture verify two.jsonl --key "$(cloister audit key -)"
export CLOISTER_HOME=$home
expect_status 0 cloister posture export --without-raw -o short.jsonl
expect_status 0 cloister posture verify short.jsonl --key "$key"
! grep -v '"note"' short.jsonl | grep -q '"raw":"[^"]' || fail 'raw answers were exported'

# What people say is signed, and goes into the next run; what would have no effect is refused.
expect_error 2 'no effect' cloister posture record not-applicable --control USE-08 --owner ada --approver ada --reason none
expect_status 0 cloister posture record review --owner ada --approver grace --result ok --overdue 0
expect_status 0 cloister posture audit --estate estate.toml
has '"kind":"record"' < <(cloister --json posture show) || fail 'the record is not in the run'
cloister --json posture show | python3 -c '
import json, sys
print(json.dumps(next(f for f in json.load(sys.stdin)["facts"] if f["kind"] == "record"), sort_keys=True, ensure_ascii=False, separators=(",", ":")))' >claim.jsonl
expect_error 2 'signed' cloister posture audit --estate estate.toml --facts claim.jsonl
# Nor does anybody else say what a run checks itself by.
cloister --json posture show | python3 -c '
import json, sys
print(json.dumps(next(f for f in json.load(sys.stdin)["facts"] if f["collector"] == "self-check/1"), sort_keys=True, ensure_ascii=False, separators=(",", ":")))' >claim.jsonl
expect_error 2 'self-check/1' cloister posture audit --estate estate.toml --facts claim.jsonl

# A fact with a date that can't be proves nothing, and stops no later run.
cloister --json posture show | python3 -c '
import json, sys
fact = next(f for f in json.load(sys.stdin)["facts"] if f["kind"] == "content.scan")
fact["valid_until"] = str(int(fact["valid_until"][:4]) + 2) + fact["valid_until"][4:]
print(json.dumps(fact, sort_keys=True, ensure_ascii=False, separators=(",", ":")))' >long.jsonl
expect_status 0 cloister posture audit --estate estate.toml --facts long.jsonl
has 'for over a year' < <(cloister --json posture show) || fail 'the fact that is valid too long left no trace'
expect_status 0 cloister posture audit --estate estate.toml

# Data that is gone doesn't make a platform better.
expect_status 0 cloister posture audit --estate estate.toml --skip content
expect_error 2 183 cloister posture retention 30
expect_status 0 cloister posture retention 200 --expire

# The newest run has no successor that would miss it: the log does.
expect_status 0 cloister posture trend
newest=$(find "$home/posture" -name '*-*.sealed' | sort | tail -1)
mv "$newest" hidden
expect_error 3 "isn't kept here" cloister posture trend
mv hidden "$newest"
expect_status 0 cloister posture trend
# Nor do all of them.
mkdir all
find "$home/posture" -maxdepth 1 -name '*-*.sealed' -exec mv {} all/ \;
expect_error 3 "isn't kept here" cloister posture trend
mv all/* "$home/posture/"
expect_status 0 cloister posture trend

expect_status 0 cloister posture controls KEY-02
expect_error 5 KEY-99 cloister posture controls KEY-99
expect_status 0 cloister posture inventory --estate estate.toml
has 'location:corpus' <"$work/.out" || fail "$(cat "$work/.out")"
expect_status 0 cloister posture candidates --estate estate.toml
has 'training' <"$work/.out" || fail "$(cat "$work/.out")"

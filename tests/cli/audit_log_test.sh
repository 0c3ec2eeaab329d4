#!/usr/bin/env bash
# audit export, verify, key, checkpoint, cosign: a log that goes to somebody who has nothing but public keys.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

expect_error 2 "log's server" cloister --home bad init --log-server 'a b'
expect_status 0 cloister init --log-server audit.example.com
for tenant in acme acme/production globex; do expect_status 0 cloister tenant create "$tenant"; done
expect_status 0 cloister dataset create acme/data
expect_error 2 'words of policies' cloister tenant create any
expect_error 2 'words of policies' cloister dataset create acme/none

# This home's own log.
cloister audit verify | has 'audit.example.com/acme  *[0-9]' || fail 'the trees are not listed'
expect test "$(cloister --json audit verify | json_get logs.0.origin)" = audit.example.com/-

# A tenant's log, verified anywhere.
cloister audit key acme >acme.vkey
grep -q '^audit.example.com/acme+[0-9a-f]\{8\}+' acme.vkey || fail 'no verifier key'
expect_status 0 cloister audit export acme acme.jsonl
expect test "$(stat -c %a acme.jsonl)" = 600
expect_error 6 'acme.jsonl' cloister audit export acme acme.jsonl
expect_status 0 cloister audit export acme acme.jsonl --force
CLOISTER_HOME=$work/nowhere expect_status 0 cloister audit verify acme.jsonl --key acme.vkey
grep -q '^the log is whole: [0-9]* records of audit.example.com/acme' .out || fail 'nobody says what was verified'
expect_status 0 cloister audit verify acme.jsonl --key "$(cat acme.vkey)"
grep -q '"action":"audit.export"' acme.jsonl || fail 'the export is not on record'
grep -q '"tenant":"acme/production"' acme.jsonl || fail 'the environment is not in the log'
grep -q globex acme.jsonl && fail 'the log tells of another tenant'
python3 "$SOURCE_DIR/tests/vectors/audit_log.py" acme.jsonl "$(cat acme.vkey)" >/dev/null || fail 'the second implementation refuses the export'

# Refused: no key, another tenant's, another home's, a changed or cut file.
expect_error 2 '--key is needed' cloister audit verify acme.jsonl
expect_error 2 'belong to an exported log' cloister audit verify --key acme.vkey
cloister audit key globex >globex.vkey
expect_error 4 'trusted key of audit.example.com/globex' cloister audit verify acme.jsonl --key globex.vkey
cloister --quiet --home other init --log-server audit.example.com
cloister --quiet --home other tenant create acme
cloister --home other audit key acme >other.vkey
expect_error 4 '' cloister audit verify acme.jsonl --key other.vkey
sed '3s/"allowed"/"refused"/' acme.jsonl >changed.jsonl
expect_error 3 'line 3: the record was changed' cloister audit verify changed.jsonl --key acme.vkey
sed 3d acme.jsonl >missing.jsonl
expect_error 3 'line 3' cloister audit verify missing.jsonl --key acme.vkey
head -n -1 acme.jsonl >cut.jsonl
expect_error 3 'without a checkpoint' cloister audit verify cut.jsonl --key acme.vkey
expect_error 5 'nobody' cloister audit export nobody x.jsonl
expect_error 2 'name acme alone' cloister audit export acme/production x.jsonl
expect_absent x.jsonl
expect_error 2 'private key' cloister audit verify acme.jsonl --key PRIVATE+KEY+x+00000000+AA

# What concerns no tenant; and for tools that read OCSF.
cloister audit key - >home.vkey
expect_status 0 cloister audit export - home.jsonl
expect_status 0 cloister audit verify home.jsonl --key home.vkey
cloister audit export acme - --ocsf --quiet >events
python3 - <<'PY' || fail 'those are no OCSF events'
import json
events = [json.loads(line) for line in open("events")]
assert events and all(event["class_uid"] == 6003 for event in events)
PY
expect_error 2 'OCSF' cloister audit export acme x.jsonl --ocsf --checkpoint acme.jsonl

# Two witnesses, with keys and memories of their own.
for n in 1 2; do
  cloister audit new-witness "witness.example.org/w$n" "w$n.key" >"w$n.vkey"
  expect test "$(stat -c %a "w$n.key")" = 600
done
expect_error 6 'w1.key' cloister audit new-witness witness.example.org/w1 w1.key
expect_status 2 cloister audit new-witness 'a b' w3.key
witness() { # witness N REQUEST OPTION…
  local n=$1 request=$2
  shift 2
  "$CLOISTER" audit cosign "$request" --log-key acme.vkey --witness-key "w$n.key" --state "w$n.seen" "$@"
}
cloister audit checkpoint acme --request ask >first.checkpoint
expect_error 5 '--first' witness 1 ask
expect_absent w1.seen
witness 1 ask --first >>first.checkpoint
expect_error 6 'has cosigned before' witness 1 ask --first
expect_error 4 'last: ask again with --since' witness 1 ask
size=$(sed -n 2p first.checkpoint)
witness 2 ask --first >>first.checkpoint
expect_status 0 cloister audit export acme witnessed.jsonl --checkpoint first.checkpoint
trust=(--key acme.vkey --witness w1.vkey --witness w2.vkey)
expect_status 0 cloister audit verify witnessed.jsonl "${trust[@]}" --quorum 2
grep -q 'cosigned by witness.example.org/w1' .out || fail 'nobody says who cosigned'
expect_error 4 'cosigned by 0' cloister audit verify acme.jsonl "${trust[@]}" --quorum 1
expect_error 2 'quorum' cloister audit verify witnessed.jsonl "${trust[@]}"

# The log grows: only with the proof that it continues what was cosigned.
expect_status 0 cloister key rotate --tenant acme
expect_error 2 '--since belongs' cloister audit checkpoint acme --since "$size"
expect_error 6 'ask' cloister audit checkpoint acme --request ask --since "$size"
cloister audit checkpoint acme --request ask2 --since "$size" >second.checkpoint
witness 1 ask2 >>second.checkpoint
expect_status 0 cloister audit export acme second.jsonl --checkpoint second.checkpoint
expect_status 0 cloister audit verify second.jsonl --key acme.vkey --witness w1.vkey --quorum 1
sed '2s/.*/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=/' ask2 >forged
expect_error 4 "doesn't continue what was cosigned" witness 2 forged
sed '$s/.*/garbage/' ask2 >forged
expect_status 3 witness 2 forged
expect test "$(sed -n 2p w2.seen)" = "$size"

# A fork: an older copy of the home, which went on differently. The witness who saw the other past refuses it.
cp -r home fork
for reason in one two; do expect_status 0 cloister key rotate --tenant acme --reason "$reason"; done
seen=$(sed -n 2p w1.seen)
cloister audit checkpoint acme --request ask3 --since "$seen" >third.checkpoint
witness 1 ask3 >>third.checkpoint
seen=$(sed -n 2p w1.seen)
for reason in three four five; do expect_status 0 cloister --home fork key rotate --tenant acme --reason "$reason"; done
cloister --home fork audit checkpoint acme --request fork-ask --since "$seen" >fork.checkpoint
expect_error 4 "doesn't continue what was cosigned" witness 1 fork-ask
expect test "$(sed -n 2p w1.seen)" = "$seen"

# Reasons and what is left under an old version.
cloister audit list --tenant acme | has 'reason: two; 1 keyring rewrapped' || fail 'the reason is not on record'
cloister key datasets --tenant acme --version 4 | has '^acme/data$' || fail 'the dataset is not listed'
expect test "$(cloister --json key datasets --tenant acme --version 1 | json_get datasets)" = '[]'
cloister key datasets --tenant acme --version 1 | has 'rotate-key' || fail 'nobody says what is left to do'
expect_error 5 "doesn't exist" cloister key datasets --tenant acme --version 9

# A record changed in the store: seen by the home, and not signed over.
python3 - <<'PY'
import sqlite3
store = sqlite3.connect("home/keys.db")
store.execute("DROP TRIGGER audit_no_update")
store.execute("UPDATE audit SET actor = 'nobody' WHERE tree = 'acme' AND tree_index = 1")
store.commit()
PY
expect_error 3 'was changed' cloister audit verify
expect_error 3 "aren.t those" cloister audit export acme tampered.jsonl
expect_absent tampered.jsonl

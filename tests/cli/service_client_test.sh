#!/usr/bin/env bash
# The command line through a key service: enrolled, every verb that takes --service, and what becomes of it when the
# service refuses, is gone, or isn't who it should be.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
trap 'status=$?; end_daemon; rm -rf "$work"; exit $status' EXIT

cloister --quiet init
cloister --quiet tenant create acme
cloister --quiet dataset create acme/data
write_policy client-1
sed -i 's/^operation = \["generate"/operation = ["dataset.show", "generate"/; s/^purpose = "train"/purpose = ["train", "ingest", "rewrap"]/' policy.toml
write_config
start_daemon
server=spiffe://$domain/cloister/keys
enroll() { "$CLOISTER" enroll "$@" --service "127.0.0.1:$tls_port"; }

# Enrolment: by this user, by token over the network; whoever isn't the service gets nothing.
expect_status 0 enroll local.service --server "$server" --unix "$socket"
[[ $(stat -c %a local.service) == 600 ]] || fail 'others can read the service file'
expect_error 6 'there already' enroll local.service --server "$server" --unix "$socket"
python3 -c 'import json; print(json.dumps(json.load(open("local.service"))["bundle"]))' >bundle.json
(umask 077 && "$CLOISTERD" token --config cloisterd.toml "spiffe://$domain/acme/trainer" >join-token)
expect_error 4 'the server is' enroll wrong.service --server "spiffe://$domain/cloister/other" --at "127.0.0.1:$enroll_port" --bundle bundle.json --token-file join-token
expect_error 4 'trust domain' enroll wrong.service --server spiffe://other.test/cloister/keys --at "127.0.0.1:$enroll_port" --bundle bundle.json --token-file join-token
expect_error 2 '--bundle' enroll wrong.service --server "$server" --at "127.0.0.1:$enroll_port" --token-file join-token
chmod 644 join-token
expect_error 4 'join-token' enroll wrong.service --server "$server" --at "127.0.0.1:$enroll_port" --bundle bundle.json --token-file join-token
chmod 600 join-token
expect_status 0 enroll trainer.service --server "$server" --at "127.0.0.1:$enroll_port" --bundle bundle.json --token-file join-token
expect_error 4 'used' enroll again.service --server "$server" --at "127.0.0.1:$enroll_port" --bundle bundle.json --token-file join-token
expect_absent wrong.service
expect_absent again.service

# What the home seals in advance: a directory, which only it can sign.
mkdir corpus && seq 1000 >corpus/numbers && echo hello >corpus/words
cloister --quiet seal corpus corpus.sealed --dataset acme/data
home=$CLOISTER_HOME
unset CLOISTER_HOME
through() { "$CLOISTER" --service trainer.service "$@"; }

# Files and logs, both ways.
seq 20000 >plain
expect_status 0 through seal plain plain.sealed --dataset acme/data
expect_status 0 through --purpose train open plain.sealed opened
expect_same plain opened
CLOISTER_SERVICE=trainer.service "$CLOISTER" --purpose train cat plain.sealed >opened2
expect_same plain opened2
cloister --home "$home" cat plain.sealed >opened3
expect_same plain opened3
"$CLOISTER" --service trainer.service append log.sealed --dataset acme/data <plain
"$CLOISTER" --service trainer.service --purpose train cat log.sealed >opened4
expect_same plain opened4
expect_status 0 through --purpose train verify plain.sealed log.sealed

# Directories open and verify; they are sealed in the home.
expect_status 0 through --purpose train open corpus.sealed corpus.opened
diff -r corpus corpus.opened || fail 'the directory differs'
expect_status 0 through --purpose train verify corpus.sealed
expect_error 8 'manifest is signed' through seal corpus another.sealed --dataset acme/data
expect_absent another.sealed

# A new dataset key: slots follow through the service, and what is under the old one is refused once that is disabled.
cloister --home "$home" --quiet dataset rotate-key acme/data
cp plain.sealed old.sealed
expect_status 0 through rewrap plain.sealed
cloister --home "$home" --quiet dataset disable-key acme/data --version 1
expect_status 0 through --purpose train open plain.sealed opened5
expect_same plain opened5
expect_error 4 'disabled' through --purpose train open old.sealed never
expect_absent never

# What the service must be told, and what it doesn't do.
expect_error 2 '--purpose' through open plain.sealed never
expect_error 2 '--purpose' through --purpose training open plain.sealed never
expect_error 4 'refused' through --purpose export open plain.sealed never
expect_error 4 'refused' through seal plain never.sealed --dataset globex/data
expect_error 2 'works on a home' through tenant create globex
expect_error 2 'works on a home' through audit list
expect_status 2 "$CLOISTER" --home "$home" --service trainer.service --purpose train cat plain.sealed
chmod 644 trainer.service
expect_error 4 'trainer.service' through --purpose train cat plain.sealed
chmod 600 trainer.service
expect_absent never
expect_absent never.sealed

# No service: said, and nothing half-written.
stop_daemon
expect_error 9 '127.0.0.1' through --purpose train open plain.sealed never
expect_error 9 '127.0.0.1' through seal plain never.sealed --dataset acme/data
expect_absent never
expect_absent never.sealed

# All of it is on record, by whom and what for.
cloister --home "$home" audit verify | has 'whole'
cloister --home "$home" audit list --limit 0 | has "spiffe://$domain/acme/trainer"

#!/usr/bin/env bash
# An object's key shared among three key services: two of them open it, whichever two; one alone, or with one that
# refuses or is away, doesn't. One service's key is rotated and its share follows, and nothing else is touched.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/cloisterd_lib
source "$(dirname "${BASH_SOURCE[0]}")/cloisterd_lib"
# shellcheck source=tests/cli/brokers_lib
source "$(dirname "${BASH_SOURCE[0]}")/brokers_lib"
trap 'status=$?; kill_brokers; rm -rf "$top"; exit $status' EXIT

for name in eu us lab; do make_broker "$name"; done
unset CLOISTER_HOME
by() { # by "eu us" command…: the brokers, then a verb and what follows
  local names=$1 verb=$2 name
  shift 2
  local options=()
  [[ $verb == seal || $verb == rekey ]] || options+=(--purpose train)
  for name in $names; do options+=(--broker "$top/$name.service"); done
  "$CLOISTER" "$verb" "$@" "${options[@]}"
}
all='eu us lab'
seq 20000 >plain

# Sealed for three, two of which are needed; it says so itself.
expect_status 0 by "$all" seal plain shared.sealed --dataset acme/models --threshold 2
cloister inspect shared.sealed | has '2 of 3 open it'
cloister --json inspect shared.sealed >said
[[ $(json_get unauthenticated.slots.2.share.index <said) == 3 ]] || fail "no third share: $(cat said)"
[[ $(json_get unauthenticated.shares.threshold <said) == 2 ]] || fail "no threshold: $(cat said)"

# Any two; and a full verification by two.
for pair in 'eu us' 'us lab' 'lab eu'; do
  by "$pair" cat shared.sealed >opened || fail "$pair don't open it"
  expect_same plain opened
done
by 'eu lab' verify shared.sealed >said
has 'no findings' <said || fail "verify has findings: $(cat said)"
has 'its key is shared: 2 of 3' <said || fail "verify doesn't say that the key is shared: $(cat said)"
by 'eu us' inspect shared.sealed --open | has 'object digest'

# One whose answers make no sense is passed over like one that is away: here the identity that us gave answers as it.
python3 - us.service odd.service <<'PY' &
import json, os, socket, ssl, sys
os.umask(0o077)
service = json.load(open(sys.argv[1]))
with open("odd.pem", "w") as file:
    file.write(service["svid"] + service["key"])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("odd.pem")
server = socket.create_server(("127.0.0.1", 0))
service["server"] = "spiffe://us.test/acme/local"
service["address"] = "127.0.0.1:%d" % server.getsockname()[1]
with open("odd.json", "w") as file:
    json.dump(service, file)
os.rename("odd.json", sys.argv[2])
while True:
    connection, _ = server.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += stream.recv(65536) or b"\r\n\r\n"
            stream.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    except OSError:
        pass
PY
broker_pid[odd]=$!
eventually test -e odd.service || fail 'the odd service has no file'
by 'odd eu lab' cat shared.sealed >opened 2>said || fail "a strange answer stops the others: $(cat said)"
expect_same plain opened
has 'odd.service is passed over: .*answered 400' <said || fail "nothing is said: $(cat said)"
by 'odd eu lab' verify shared.sealed shared.sealed >said || fail "the second object isn't opened: $(cat said)"
expect_error 4 '1 was given' by 'odd eu' open shared.sealed never

# One alone, the same one twice, and a service by --service.
expect_error 4 '2 shares of its key are needed and 1 was given' by eu open shared.sealed never
expect_error 4 '1 was given' by 'us us' open shared.sealed never
expect_error 4 '1 was given' "$CLOISTER" --service "$top/lab.service" --purpose train open shared.sealed never
expect_status 4 by eu verify shared.sealed
has '1 was given' <"$work/.out" || fail "verify doesn't say why: $(cat "$work/.out")"
# What an operator of one service has: home, root and all.
expect_error 4 '1 was given' at eu cloister open shared.sealed never
expect_absent never

# One refuses, by a policy of its own, and the other two are enough; two refuse, and both say why.
refuse() { # refuse NAME: trainers may no more
  sed -i 's/^purpose = \["train", /purpose = [/; s/^id = .*/id = "'"$1"'-none"/' "$top/$1/policy.toml"
  kill -HUP "${broker_pid[$1]}"
  eventually grep -q "\"event\":\"policy\".*$1-none\|$1-none" "$top/$1/daemon.log" || fail "no new policy at $1: $(cat "$top/$1/daemon.log")"
}
refuse us
by "$all" cat shared.sealed >opened || fail 'two of three are not enough'
expect_same plain opened
refuse lab
expect_error 4 'us.service.*lab.service' by "$all" open shared.sealed never
expect_error 4 '1 was given' by "$all" open shared.sealed never
expect_absent never

# One is away: it is passed over with a word, and where it is needed that may change.
stop_broker lab
expect_error 9 'lab.service' by 'eu lab' open shared.sealed never
grep -q 'broker .*lab.service is passed over' "$work/.err" || fail "nothing is said: $(cat "$work/.err")"
expect_absent never
expect_status 9 by "$all" seal plain never.sealed --dataset acme/models --threshold 2
expect_absent never.sealed
expect_error 9 'lab.service' "$CLOISTER" rewrap shared.sealed --broker "$top/lab.service" --broker "$top/us.service"
! grep -q 'passed over' "$work/.err" || fail "a rewrap says that it goes on: $(cat "$work/.err")"

# A new dataset key at one service: its share follows, and 4 KiB are written.
at us cloister --quiet dataset rotate-key acme/models
cp shared.sealed before.sealed
expect_status 0 "$CLOISTER" rewrap shared.sealed --broker "$top/us.service"
cloister --json inspect shared.sealed >said
[[ $(json_get unauthenticated.slots.1.key_version <said) == 2 ]] || fail "the share isn't under the new key: $(cat said)"
[[ $(json_get unauthenticated.slots.0.key_version <said) == 1 ]] || fail "another share changed: $(cat said)"
cmp <(tail -c +12289 before.sealed) <(tail -c +12289 shared.sealed) || fail 'more than the slots changed'

# The same beside a key that has no slot there.
at us cloister --quiet dataset rotate-key acme/models
(umask 077 && "$CLOISTER" key-file new spare.key)
expect_status 0 "$CLOISTER" rewrap shared.sealed --broker "$top/us.service" --software-key spare.key
cloister --json inspect shared.sealed >said
[[ $(json_get unauthenticated.slots.1.key_version <said) == 3 ]] || fail "the share isn't under the newest key: $(cat said)"

# What isn't sharing, and what doesn't go together.
expect_error 2 '--threshold' by "$all" seal plain never.sealed --dataset acme/models
expect_error 2 '1 of 3' by 'eu us us' seal plain never.sealed --dataset acme/models --threshold 1
expect_error 2 'two shares' by 'eu us us' seal plain never.sealed --dataset acme/models --threshold 2
expect_error 2 '3 of 2' by 'eu us' seal plain never.sealed --dataset acme/models --threshold 3
expect_error 2 '--dataset' by 'eu us' seal plain never.sealed --tenant acme --threshold 2
expect_error 2 'no other key' by 'eu us' seal plain never.sealed --dataset acme/models --threshold 2 --recipient x
expect_error 2 'takes the place' "$CLOISTER" --service "$top/eu.service" seal plain never.sealed --dataset acme/models --threshold 2 --broker "$top/us.service"
expect_error 2 '--broker' "$CLOISTER" seal plain never.sealed --dataset acme/models --threshold 2
mkdir folder
expect_error 2 'for files' by 'eu us' seal folder never.sealed --dataset acme/models --threshold 2
expect_error 8 'its key is shared' "$CLOISTER" rekey shared.sealed

# A new key is shared by sealing alone: one that a service had wholly isn't given to each of two.
expect_status 0 "$CLOISTER" --service "$top/eu.service" seal plain whole.sealed --dataset acme/models
cp whole.sealed before.sealed
expect_error 2 'the whole new key' by 'eu us' rekey whole.sealed
expect_error 2 'the whole new key' by 'eu us' rekey shared.sealed
expect_same whole.sealed before.sealed
expect_absent never.sealed

# Each service has its own requests on record, and nobody else's.
at eu cloister audit verify | has 'whole'
at eu cloister audit list --limit 0 | has 'spiffe://eu.test/acme/local'
if at eu cloister audit list --limit 0 | has 'us.test'; then fail "eu's log speaks of us"; fi

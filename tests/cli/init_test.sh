#!/usr/bin/env bash
# init: two at once, what it refuses to write, what a failure leaves; and homes that nobody should trust.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

# While one init waits for a passphrase another makes the home: the first finds it, and leaves it alone.
python3 - "$CLOISTER" <<'PY' || fail 'the init that waited ended otherwise'
import os, pty, subprocess, sys
program = sys.argv[1]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(program, [program, "init", "--root-passphrase"])

def wait_for(words):
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 4096)

wait_for(b"root key: ")
subprocess.run([program, "init"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([program, "tenant", "create", "acme"], check=True, stdout=subprocess.DEVNULL)
os.write(terminal, b"a long passphrase\n")
wait_for(b"again: ")
os.write(terminal, b"a long passphrase\n")
wait_for(b"there is a home already")
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 6, status
PY
for file in config.json root.key keys.db; do expect test -f home/$file; done
expect_status 0 cloister tenant create globex
expect_status 0 cloister audit verify

# While another process holds the folder, init steps back.
mkdir held
flock held sleep 2 &
sleep 0.3
expect_error 9 'another process' cloister --home held init
wait
expect test -z "$(ls -A held)"
expect_status 0 cloister --home held init

# A failure takes back what it made, and nothing else.
printf short >short && chmod 600 short
expect_status 2 cloister --home failed init --root-passphrase-file short
expect test -z "$(ls -A failed)"
printf 'mine' >failed/note
expect_status 2 cloister --home failed init --root-passphrase-file short
expect test "$(ls -A failed)" = note
expect_status 0 cloister --home failed init
mkdir half && cp home/root.key half
expect_error 6 'not a home' cloister --home half init
expect_same home/root.key half/root.key
: >file
expect_status 5 cloister --home file/below init

# The passphrase's file is read by every later run: no descriptor, no pipe.
printf 'correct horse\n' >phrase && chmod 600 phrase
expect_error 2 'a file that stays' cloister --home piped init --root-passphrase-file <(echo 'correct horse')
expect_error 2 'a file that stays' cloister --home piped init --root-passphrase-file -
expect_error 2 'a file that stays' cloister --home piped init --root-passphrase-file /dev/stdin
mkfifo -m 600 pipe
expect_error 2 'a file that stays' cloister --home piped init --root-passphrase-file pipe
token=(--root pkcs11 --pkcs11-module m --pkcs11-token t --pkcs11-key k)
expect_error 2 'a file that stays' cloister --home piped init "${token[@]}" --pkcs11-pin-file <(echo 1234)
expect_status 5 cloister --home piped init --root-passphrase-file nowhere
expect_absent piped
# JSON holds no other bytes than UTF-8: said before anything is written.
bad=$(printf 'caf\351')
cp phrase "$bad" && chmod 600 "$bad"
expect_error 2 'UTF-8' cloister --home bytes init --root-passphrase-file "$bad"
expect_error 2 'UTF-8' cloister --home bytes init "${token[@]}" --pkcs11-parameters "$bad" --pkcs11-pin-file phrase
expect_absent bytes
expect_status 0 cloister --home bytes init --root-passphrase-file phrase

# A module that isn't there, or is none.
expect_error 5 'nosuch.so' cloister --home none init --root pkcs11 --pkcs11-module nosuch.so --pkcs11-token t --pkcs11-key k --pkcs11-pin-file phrase
expect_error 2 'phrase' cloister --home none init --root pkcs11 --pkcs11-module phrase --pkcs11-token t --pkcs11-key k --pkcs11-pin-file phrase
expect test "$(wc -l <.err)" = 1
expect_error 2 'belong to --root pkcs11' cloister --home none init --pkcs11-parameters x
expect_absent none/config.json

# Whoever else could write config.json could name a library to load.
expect_status 0 cloister tenant list
for mode in 0620 0602 0666; do
  chmod $mode home/config.json
  expect_error 4 'config.json' cloister tenant create other
done
chmod 0644 home/config.json
expect_status 0 cloister tenant create other
for mode in 0770 0707 0777; do
  chmod $mode home
  expect_error 4 'home' cloister tenant create another
  expect_error 4 'home' cloister tenant list
done
chmod 0755 home
expect_status 0 cloister tenant list
if [[ $(id -u) == 0 ]]; then
  for file in home/config.json home/keys.db home/root.key home; do
    chown 65534 $file
    expect_error 4 'another user' cloister tenant create another
    chown 0 $file
  done
  chown 65534 phrase
  expect_error 4 'another user' cloister --home bytes tenant create acme
  chown 0 phrase
  expect_status 0 cloister --home bytes tenant create acme
fi

# A configuration that isn't one.
cp home/config.json saved
config() {
  printf '%s' "$1" >home/config.json
  expect_error "$2" "$3" cloister tenant create another
}
config '' 2 'not a configuration'
config '{' 2 'not a configuration'
config '[1]' 2 'not a configuration'
config '{"version": 1, "root": 3}' 2 'not a configuration'
config '{"version": "1", "root": {}}' 2 'no version'
config '{"version": 1.0, "root": {}}' 2 'no version'
config '{"root": {}}' 2 'no version'
config '{"version": 5, "root": {}}' 8 'another version'
config '{"version": 4, "root": {}}' 2 'has roots'
config '{"version": 4, "roots": {"a": {"kind": "software", "passphrase": "none"}}}' 2 'names an anchor'
config '{"version": 3, "anchor": "a", "roots": {"a": {"kind": "software", "passphrase": "none"}}}' 2 'names an anchor'
config '{"version": 3, "root": {}}' 2 'version 3 has roots'
config '{"version": 1, "roots": {}}' 2 'one root'
config '{"version": 3, "roots": {}}' 2 '1 to 100 roots'
config '{"version": 3, "roots": {"Bad Name": {}}}' 2 "root's name"
config '{"version": 3, "roots": {"hsm": {"kind": "pkcs11", "passphrase": "prompt", "module": "m", "key": "k"}}}' 2 'needs token'
config '{"version": 3, "roots": {"a": {"kind": "software", "passphrase": "none", "token": "t"}}}' 2 'has no token'
config '{"version": 3, "roots": {"a": {"kind": "software", "passphrase": "none"}, "b": {"kind": "software", "passphrase": "none"}}}' 2 'must say its id'
config '{"version": 2, "root": {}}' 2 'version 2 names a store'
config '{"version": 1, "root": {}, "store": {}}' 2 'version 2 names a store'
config '{"version": 1, "root": {"kind": "paper"}}' 2 'kind of root'
config '{"version": 1, "root": {"kind": ["software"]}}' 2 'kind must be text'
config '{"version": 1, "root": {"kind": "software", "passphrase": "maybe"}}' 2 'none, file or prompt'
cp saved home/config.json
expect_status 0 cloister tenant create another

# A home that can't be looked at isn't "no home": nothing is opened without its audit row.
printf 'correct horse\n' >phrase && chmod 600 phrase
head -c 1000 /dev/urandom >payload
expect_status 0 cloister --home elsewhere seal payload --tenant acme --passphrase-file phrase
expect_status 0 cloister --home elsewhere cat payload.sealed --passphrase-file phrase
ln -s loop loop
expect_error 2 'look at the home' cloister --home loop cat payload.sealed --passphrase-file phrase
expect_error 2 'look at the home' cloister --home loop tenant list
expect_absent elsewhere
chmod 666 home/keys.db
expect_error 4 'open the audit log' cloister cat payload.sealed --passphrase-file phrase
expect test ! -s .out
expect_error 4 "isn't on record" cloister open payload.sealed out --software-key home/root.key
chmod 600 home/keys.db
expect_status 0 cloister cat payload.sealed --passphrase-file phrase

# A root that a provider holds: what it is told is read before anything is asked or made.
expect_error 2 'belongs to a root that a provider holds' cloister --home elsewhere init key=k
expect_error 2 'belongs to a root that a provider holds' cloister --home elsewhere init --root pkcs11 key=k --pkcs11-module m --pkcs11-token t --pkcs11-key k
expect_error 2 'takes no passphrase' cloister --home elsewhere init --root aws-kms key=k region=eu-west-1 --root-passphrase
expect_error 2 'belong to --root pkcs11' cloister --home elsewhere init --root aws-kms key=k region=eu-west-1 --pkcs11-key k
expect_error 2 'NAME=VALUE' cloister --home elsewhere init --root aws-kms key
expect_error 2 'region' cloister --home elsewhere init --root aws-kms key=k
expect_error 2 'has no vault' cloister --home elsewhere init --root aws-kms key=k region=eu-west-1 vault=v
expect_error 2 'plain http' cloister --home elsewhere init --root aws-kms key=k region=eu-west-1 endpoint=http://kms.example
expect_absent elsewhere/config.json

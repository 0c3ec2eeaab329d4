#!/usr/bin/env bash
# What the program says: JSON everywhere, help for every verb, completion, usage errors, quiet; and no secret anywhere.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

json() {
  cloister --json "$@" >out 2>err || true
  local file=out
  [[ -s out ]] || file=err
  python3 -m json.tool "$file" >/dev/null || fail "'$*' prints no JSON: $(cat out err)"
  expect test "$(wc -l <$file)" = 1
}

echo hello >file
json init
json init
json tenant create acme
json tenant create globex --rotate-after 7
json dataset create acme/data
json tenant list
json tenant show acme
json tenant set-rotation acme --rotate-after 9
json dataset list
json dataset show acme/data
json dataset recipient add acme/data
json dataset recipient list acme/data
json seal file --dataset acme/data
json seal file --dataset acme/data
mkdir -p tree && echo x >tree/x && json seal tree --dataset acme/data
json inspect file.sealed
json inspect file.sealed --open
json inspect tree.sealed --open
json verify file.sealed tree.sealed
json open file.sealed opened
json open tree.sealed opened-tree
json rewrap file.sealed tree.sealed
json rekey file.sealed tree.sealed
json key list
json key rotate --tenant acme
json key rotate-due
json key schedule-destroy --tenant globex --version 1
json key destroy --tenant globex --version 1
json key cancel-destroy --tenant globex --version 1
json dataset rotate-key acme/data
json dataset disable-key acme/data --version 1
json identity new id.key
json identity show id.key
json dataset export acme/data x.keyring --recipient "$(cloister identity show id.key)"
json inspect x.keyring
json key-file new k.key
json audit list
json audit verify
json audit key acme
json audit checkpoint acme --request ask
json audit export acme log.jsonl
json audit verify log.jsonl --key "$(cloister audit key acme)"
json audit new-witness witness.example.org/w1 w1.key
json audit cosign ask --log-key "$(cloister audit key acme)" --witness-key w1.key --state seen --first
json key datasets --tenant acme --version 1
printf 'version = 1\nid = "x"\nnot_after = "never"\n' >p.toml
json policy check p.toml
json policy test p.toml --caller spiffe://a/b --operation random --purpose operate
json policy diff p.toml p.toml
json help seal
json completion bash
json version
json --help
json seal --help
expect test "$(cloister --json seal --help | json_get help)" = "$(cloister help seal)"
json nosuchverb
json seal
json key
cloister --json append log --dataset acme/data --ack <file >out && while read -r line; do python3 -m json.tool <<<"$line" >/dev/null; done <out
# With the payload on standard output, JSON goes to standard error.
cloister --json cat log >out 2>err
expect_same out file
python3 -m json.tool err >/dev/null
# Names of files may be any bytes.
bad=$(printf 'caf\351')
cp file "$bad" && json seal "$bad" --dataset acme/data
cloister --json version | json_get openssl.libcrypto_mapped.0 | has libcrypto || fail 'no libcrypto'
cloister --json --home none tenant list 2>err && fail 'a list without a home'
expect test "$(json_get error.code <err)" = not-found
# What a terminal would obey or turn around is shown as what it is.
expect_error 5 'a\\xc2\\x9b2J' cloister open $'a\xc2\x9b2J.sealed'
expect_error 5 'a\\x9b2J' cloister open $'a\x9b2J.sealed'
expect_error 5 'gpj\\u{202e}exe' cloister open $'gpj\xe2\x80\xaeexe.sealed'
expect_error 5 'Größe' cloister open Größe.sealed

# A start that fails is said in the form that was asked for.
if command -v cc >/dev/null; then
  echo 'int prctl(int option, ...) { (void)option; return -1; }' | cc -shared -fPIC -x c - -o no_prctl.so
  status=0
  LD_PRELOAD=$work/no_prctl.so "$CLOISTER" --json version >out 2>err || status=$?
  expect test "$status" != 0
  expect test "$(json_get error.message <err | cut -c 1-6)" = start:
  LD_PRELOAD=$work/no_prctl.so "$CLOISTER" version 2>err && fail 'a failed start goes on'
  grep -q '^cloister: start: ' err || fail 'a failed start is not said'
fi

# A bar on the terminal tells how far it is, how fast it goes and how long it takes.
seq 1 300000 | cloister --quiet append long.log --dataset acme/data
for arguments in 'cat long.log' 'open long.log -'; do
  # shellcheck disable=SC2016
  on_terminal '' bash -c '"$1" $2 | (sleep 1.5; cat >/dev/null)' _ "$CLOISTER" "$arguments" >shown
  has '% .* of .*/s.* left' <shown || fail "no progress of $arguments: $(cat shown)"
done
mkdir many
for i in 1 2 3 4 5 6; do echo $i | cloister --quiet seal - many/$i.sealed --dataset acme/data; done
printf 'a passphrase\n' >slow && chmod 600 slow
on_terminal '' "$CLOISTER" rewrap many --add-passphrase-file slow >shown
has ' of 6 objects' <shown || fail "no total of objects: $(cat shown)"

# Usage.
expect_status 2 cloister
expect_error 2 'no verb sael' cloister sael file
expect_error 2 'SOURCE is required' cloister seal
expect_error 2 'nonsense' cloister seal file --nonsense
expect_error 2 'required' cloister key rotate
expect_error 2 '' cloister tenant
expect_error 2 'threads' cloister --threads 99 version

# Every verb has a page, by help and by --help, with its exit statuses.
for verb in init tenant key dataset seal open cat append inspect verify rewrap rekey audit policy identity key-file version help completion; do
  cloister help $verb >page || fail "no page for $verb"
  grep -q '^EXIT STATUS' page || fail "no exit statuses for $verb"
  grep -q '^SYNOPSIS' page || fail "no synopsis for $verb"
  cloister $verb --help | cmp - page || fail "$verb --help is another page"
  [[ $verb == version || $verb == help ]] || has '^EXAMPLES' page || fail "no examples for $verb"
  expect test "$(awk '{ if (length($0) > 100) n++ } END { print n + 0 }' page)" = 0
done
cloister help dataset recipient add | has kem || fail 'no page for a nested verb'
expect_error 5 'no verb' cloister help nosuch

# Completion scripts that their shells accept.
cloister completion bash >complete.bash
bash -n complete.bash
completed() {
  bash -c 'source complete.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cloister; printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
}
completed cloister se | has -x seal || fail 'seal is not completed'
completed cloister seal --dat | has -x -- --dataset || fail '--dataset is not completed'
completed cloister dataset recipient '' | has -x add || fail 'recipient add is not completed'
completed cloister seal --suite '' | has -x chacha20-poly1305 || fail 'the suites are not completed'
completed cloister policy test --operation kek.rot | has -x kek.rotate || fail 'the operations are not completed'
cloister completion zsh >complete.zsh
! command -v zsh >/dev/null || zsh -n complete.zsh
cloister completion fish >complete.fish
! command -v fish >/dev/null || fish --no-execute complete.fish
expect_error 2 'tcsh' cloister completion tcsh

# Quiet.
expect test -z "$(cloister --quiet seal file quiet.sealed --dataset acme/data 2>&1)"
expect test -z "$(cloister --quiet verify quiet.sealed 2>&1)"

# There is no door for a secret but a file or the terminal, and none comes out.
for option in --passphrase=horse --pin=1 --pkcs11-pin=1 --password=x --key=x; do
  expect_status 2 cloister seal file x.sealed --tenant acme "$option"
done
printf 'a very secret passphrase' >phrase && chmod 600 phrase
expect_error 2 'more arguments' cloister seal file x.sealed --tenant acme --passphrase 'a very secret passphrase'
grep -q 'very secret' .out .err && fail 'a misplaced passphrase was repeated'
expect_error 2 '' cloister seal file x.sealed --tenant acme '--passphrase=a very secret passphrase'
grep -q 'very secret' .out .err && fail 'a misplaced passphrase was repeated'
expect_error 2 'no option --pin$\|no option --pin ' cloister seal file x.sealed --tenant acme '--pin=very secret'
for variable in CLOISTER_PASSPHRASE CLOISTER_PIN CLOISTER_PASSWORD; do
  (export $variable='a very secret passphrase' && expect_status 2 cloister seal file x.sealed --tenant acme)
done
cloister --home elsewhere seal file s.sealed --tenant acme --passphrase-file phrase >out 2>err
cloister --home elsewhere cat s.sealed --passphrase-file phrase >>out 2>>err
cloister --home elsewhere --json inspect s.sealed --open --passphrase-file phrase >>out 2>>err
grep -q 'very secret' out err && fail 'the passphrase was printed'
grep -rqa 'very secret' s.sealed home && fail 'the passphrase was stored'
seed=$(tail -1 id.key | cut -d: -f2)
cloister --json identity show id.key >>out
cloister audit list --limit 0 >>out
grep -q "$seed" out err && fail 'a private key was printed'
grep -rqa "$seed" home && fail 'a private key was stored'
true

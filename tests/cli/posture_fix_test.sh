#!/usr/bin/env bash
# posture fix: what lies in plain is planned, sealed beside itself and compared; after it is removed the audit finds none.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

mkdir -p data/deep
seq 1 2000 | sed 's/.*/{"text": "line &", "label": 1}/' >data/train.jsonl
seq 1 500 | sed 's/.*/&,benign/' >"data/deep/it's; labels.csv"
printf -- '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' >data/id_rsa
ln -s / data/away
cat >estate.toml <<TOML
version = 1
id = "acme"

[[location]]
name = "corpus"
address = "file:$PWD/data"
kind = "training-data"
owner = "data-team"
environment = "production"
tenant = "acme"
sensitivity = "regulated-personal-data"
TOML
fix=(cloister posture fix --estate estate.toml --location corpus)

# Without a home there are commands, and nothing is touched.
expect_status 0 "${fix[@]}"
has 'cloister seal' <"$work/.out" || fail "$(cat "$work/.out")"
has 'a key in the clear' <"$work/.out" || fail 'the key is not named'
[[ $(find data -name '*.sealed' | wc -l) -eq 0 ]] || fail 'something was sealed'
expect_error 2 dataset "${fix[@]}" --apply
expect_error 2 nowhere cloister posture fix --estate estate.toml --location nowhere

expect_status 0 cloister init
expect_status 0 cloister tenant create acme
expect_status 0 cloister dataset create acme/corpus
expect_error 5 'acme/absent' "${fix[@]}" --dataset acme/absent --apply
expect_status 0 "${fix[@]}" --dataset acme/corpus --apply
has 'sealed 2 files' <"$work/.out" || fail "$(cat "$work/.out")"
cmp <(cloister cat data/train.jsonl.sealed) data/train.jsonl || fail 'another payload'
[[ -f data/train.jsonl ]] || fail 'an original is gone'
cloister audit list | has object.seal || fail 'sealing is not on record'

# Again: compared and kept. One that isn't the same any more is refused, and its original stays.
expect_status 0 "${fix[@]}" --dataset acme/corpus --apply
has '2 were sealed already' <"$work/.out" || fail "$(cat "$work/.out")"
echo '{"text": "one more"}' >>data/train.jsonl
expect_status 3 "${fix[@]}" --dataset acme/corpus --apply
has 'not sealed' <"$work/.out" || fail "$(cat "$work/.out")"
rm data/train.jsonl.sealed
expect_status 0 "${fix[@]}" --dataset acme/corpus --apply

# What it says about removing them is what a shell can run.
cloister --json posture fix --estate estate.toml --location corpus >/dev/null
"${fix[@]}" --dataset acme/corpus --apply | grep '^rm ' >remove.sh
bash remove.sh
rm data/id_rsa
[[ -z $(find data -type f ! -name '*.sealed') ]] || fail 'plaintext is left'
expect_status 0 cloister posture audit --estate estate.toml --report after.json
expect_status 0 "${fix[@]}"
has 'nothing that can be read' <"$work/.out" || fail "$(cat "$work/.out")"
# The home knows the key, so all of it is proven sealed.
! has 'look at it yourself' <"$work/.out" || fail "$(cat "$work/.out")"

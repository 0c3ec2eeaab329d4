#!/usr/bin/env bash
# The main job on real data: two tenants seal images, a model and a stream of inference lines; keys rotate; everything
# opens again byte for byte; every way in that should be closed is tried; and an audit says what it was worth before and
# what it is worth now. Any surprise ends it with a failure.
#
#   CLOISTER=build/release/apps/cloister tools/demo.sh [--keep] [--root software|pkcs11]      cloisterd is beside it
#
# With --root pkcs11 the root key is in a token of SoftHSM2, which is set up in the demonstration's own folder.
set -euo pipefail

CLOISTER=${CLOISTER:?the path of the cloister program}
CLOISTER=$(realpath "$CLOISTER")
demo_folder=$(dirname "$(realpath "$0")")
keep=no root=software
while (($# > 0)); do
  case "$1" in
    --keep) keep=yes ;;
    --root) root=${2:-} && shift ;;
    --root=*) root=${1#--root=} ;;
    *) root=$1 ;;
  esac
  shift || true
done
[[ $root == software || $root == pkcs11 ]] || { echo "demo: what is '$root'? [--keep] [--root software|pkcs11]" >&2; exit 2; }

fashion=/usr/share/datasets/fashion-mnist
model=$(dpkg -L tesseract-ocr-eng 2>/dev/null | grep '/eng\.traineddata$' || true)
for needed in "$fashion/train-images-idx3-ubyte.gz" "${model:-eng.traineddata}"; do
  [[ -r $needed ]] || { echo "demo: $needed is missing: apt-get install dataset-fashion-mnist tesseract-ocr-eng" >&2; exit 2; }
done

voice_files=$("$demo_folder/demo-model")  # what part 17 runs

work=$(mktemp -d "${TMPDIR:-/tmp}/cloister-demo.XXXXXX")
daemon='' helpers=()
clean_up() {
  local status=$?
  for process in $daemon "${helpers[@]}"; do kill "$process" 2>/dev/null || true; done
  if [[ $keep == yes ]]; then
    echo "kept: $work"
  else
    rm -rf "$work"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'echo "demo: line $LINENO failed: $BASH_COMMAND" >&2' ERR
export CLOISTER_HOME=$work/home
plain=$work/plain stored=$work/stored opened=$work/opened
mkdir -p "$plain/fashion" "$stored" "$opened"
cd "$work"

bold='' dim='' green='' off=''
if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' off=$'\e[0m'
fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
say() { printf '  %s\n' "$*"; }
indent() { sed "s|$work/||g; s/^/    /"; }
surprise() {
  printf 'demo: UNEXPECTED: %s\n' "$*" >&2
  exit 1
}

# Runs cloister, showing the command and what it says.
cl() {
  printf '  %s$ cloister %s%s\n' "$dim" "${*//$work\//}" "$off"
  local output
  output=$("$CLOISTER" "$@" 2>&1) || surprise "cloister $* failed with $?: $output"
  printf '%s\n' "$output" | indent
}

refused=0
# refuse STATUS WORDS cloister-arguments…: it must end with that status and say those words.
refuse() {
  local expected=$1 words=$2 status=0 output
  shift 2
  printf '  %s$ cloister %s%s\n' "$dim" "${*//$work\//}" "$off"
  output=$("$CLOISTER" "$@" 2>&1 >/dev/null) || status=$?
  [[ $status == "$expected" ]] || surprise "cloister $*: status $status, not $expected: $output"
  grep -q -- "$words" <<<"$output" || surprise "cloister $*: it says nothing of '$words': $output"
  printf '%s\n' "$output" | indent
  printf '    %srefused, exit status %s%s\n' "$green" "$status" "$off"
  refused=$((refused + 1))
}

# Whether a line of standard input has these words; reads all of it, so that who writes never meets a closed pipe.
has_line() { [[ -n $(grep -- "$1" || true) ]]; }

rows=()
# row WHAT BYTES SECONDS VERDICT
row() {
  local rate=''
  [[ -z $3 ]] || rate=$(awk -v b="$2" -v s="$3" 'BEGIN { if (s > 0) printf "%.0f MB/s", b / s / 1e6 }')
  rows+=("$1|$(numfmt --grouping "$2")|$rate|$4")
}
# timed WHAT VERDICT cloister-arguments…: like cl, and a row of the table from its JSON.
timed() {
  local what=$1 verdict=$2 json
  shift 2
  printf '  %s$ cloister %s%s\n' "$dim" "${*//$work\//}" "$off"
  json=$("$CLOISTER" --json "$@") || surprise "cloister $* failed"
  local bytes seconds
  read -r bytes seconds < <(python3 -c '
import json, sys
reply = json.loads(sys.argv[1])
cost = reply.get("cost", reply)
print(cost.get("plaintext_bytes", cost.get("bytes_written", 0)), cost["seconds"])' "$json")
  row "$what" "$bytes" "$seconds" "$verdict"
  printf '    %s bytes in %.3f s\n' "$(numfmt --grouping "$bytes")" "$seconds"
}
# slice FILE OFFSET LENGTH: those bytes.
slice() { dd if="$1" iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none; }
size_of() { du -sb "$1" | cut -f1; }

step '1. Real data: Fashion-MNIST, a text recognition model, an inference log'
gunzip -c "$fashion/train-images-idx3-ubyte.gz" >"$plain/fashion/train-images"
gunzip -c "$fashion/train-labels-idx1-ubyte.gz" >"$plain/fashion/train-labels"
cp "$model" "$plain/eng.traineddata"
seq 1 2000 | awk '{ printf "{\"request\":%d,\"model\":\"eng\",\"prompt\":\"patient %05d, page %d\",\"latency_ms\":%d}\n", $1, $1 * 7919 % 99991, $1 % 9, 20 + $1 * 31 % 80 }' >"$plain/inference.jsonl"
(cd "$plain" && find . -type f -printf '  %-28P %12s bytes\n' | sort)

# A token of its own; how the root in it is opened goes into `token`.
token=()
set_up_token() {
  local module=''
  for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
    [[ ! -r $module ]] || break
  done
  [[ -r $module ]] || surprise 'softhsm2 is missing: apt-get install softhsm2'
  mkdir -m 700 "$work/tokens"
  printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" >"$work/softhsm2.conf"
  export SOFTHSM2_CONF=$work/softhsm2.conf
  (umask 077 && od -An -N8 -tx8 /dev/urandom | tr -d ' ' >"$work/pin")
  softhsm2-util --init-token --free --label demo --pin "$(cat "$work/pin")" --so-pin "$(cat "$work/pin")" | indent
  token=(--root pkcs11 --pkcs11-module "$module" --pkcs11-token demo --pkcs11-key root --pkcs11-pin-file "$work/pin")
}

step '2. A home, two tenants, their datasets'
if [[ $root == pkcs11 ]]; then
  say 'the root key is made in a token of SoftHSM2, and never leaves it:'
  set_up_token
fi
cl init "${token[@]}"
for tenant in acme globex; do
  cl tenant create "$tenant" --rotate-after 30
done
for dataset in acme/fashion acme/models acme/inference globex/fashion; do
  cl dataset create "$dataset"
done

# shellcheck source=tools/demo-posture.sh
source "$demo_folder/demo-posture.sh"
say 'what an audit says of the data as it lies there:'
audit_before

step '3. Seal: a directory, a model, a stream of lines'
timed 'seal the images (directory)' 'sealed' seal "$plain/fashion" "$stored/fashion" --dataset acme/fashion --chunk 64K
timed 'seal the model' 'sealed' seal "$plain/eng.traineddata" "$stored/eng.traineddata.sealed" --dataset acme/models
timed 'seal for the other tenant' 'sealed' seal "$plain/fashion/train-labels" "$stored/globex-labels.sealed" --dataset globex/fashion
say 'the inference service writes its log as it goes, line by line:'
printf '  %s$ serve | cloister append %s%s\n' "$dim" "stored/inference.sealed --dataset acme/inference" "$off"
"$CLOISTER" append "$stored/inference.sealed" --dataset acme/inference <"$plain/inference.jsonl" | indent
row 'append the inference log' "$(size_of "$plain/inference.jsonl")" '' 'sealed'

step '4. Nothing of it can be read in what was stored'
# count_in FILE-OF-BYTES TREE: how often those bytes occur in any file of the tree.
count_in() {
  python3 - "$1" "$2" <<'PY'
import os, sys
needle, count = open(sys.argv[1], "rb").read(), 0
for folder, _, names in os.walk(sys.argv[2]):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            count += file.read().count(needle)
print(count)
PY
}
mkdir needles
slice "$plain/fashion/train-images" 0 16 >'needles/header of the images'
# 64 pixels of the first image that aren't background.
slice "$plain/fashion/train-images" 299 64 >'needles/64 pixels of an image'
slice "$plain/eng.traineddata" 100000 64 >'needles/64 bytes of the model'
sed -n 1000p "$plain/inference.jsonl" >'needles/a line of the log'
printf 'patient' >'needles/the word patient'
printf 'train-images' >'needles/a file name'
for needle in needles/*; do
  # The names of files are in the plain tree's names, not in its contents.
  if [[ $needle == *'file name' ]]; then
    in_plain=$(find "$plain" -name 'train-images' | wc -l)
  else
    in_plain=$(count_in "$needle" "$plain")
  fi
  in_stored=$(count_in "$needle" "$stored")
  in_home=$(count_in "$needle" "$CLOISTER_HOME")
  printf '  %-24s found in the plain data: %5d   in what is stored: %d\n' "${needle#needles/}" "$in_plain" "$((in_stored + in_home))"
  ((in_plain > 0)) || surprise "the search for '$needle' finds nothing even in the plain data"
  ((in_stored + in_home == 0)) || surprise "'$needle' can be read in what was stored"
done
row 'search what is stored' "$(($(size_of "$stored") + $(size_of "$CLOISTER_HOME")))" '' 'no plaintext'

step '5. Rotate keys: what it costs'
say "a new key-encryption key for acme: its keyrings are rewrapped, its $(numfmt --grouping "$(size_of "$stored")") bytes of objects aren't touched"
before=$(find "$stored" -type f -exec sha256sum {} + | sort | sha256sum)
cl key rotate --tenant acme
[[ $before == "$(find "$stored" -type f -exec sha256sum {} + | sort | sha256sum)" ]] || surprise 'rotating a KEK changed an object'
row 'rotate the KEK' 0 '' 'objects untouched'
say 'a new dataset key: the key slots follow, the data stays'
cl dataset rotate-key acme/fashion
timed 'rewrap the images' 'slots only' rewrap "$stored/fashion"
cl dataset disable-key acme/fashion --version 1

say 'globex wants its keys under a root of its own: moved there, still no object touched, and nothing of it left behind'
before=$(find "$stored" -type f -exec sha256sum {} + | sort | sha256sum)
cl root add globex-own software
cl key move globex --to globex-own
[[ $before == "$(find "$stored" -type f -exec sha256sum {} + | sort | sha256sum)" ]] || surprise 'moving a KEK changed an object'
"$CLOISTER" cat "$stored/globex-labels.sealed" --force | cmp - "$plain/fashion/train-labels" || surprise 'globex differs under its own root'
refuse 4 'is still' root remove globex-own
row 'move a KEK to another root' 0 '' 'objects untouched'

step '6. Open again, and compare byte for byte'
timed 'open the images' 'identical' open "$stored/fashion" "$opened/fashion"
diff -r "$plain/fashion" "$opened/fashion" || surprise 'the images differ'
timed 'open the model' 'identical' open "$stored/eng.traineddata.sealed" "$opened/eng.traineddata"
cmp "$plain/eng.traineddata" "$opened/eng.traineddata" || surprise 'the model differs'
"$CLOISTER" cat "$stored/inference.sealed" | cmp - "$plain/inference.jsonl" || surprise 'the log differs'
"$CLOISTER" cat "$stored/fashion/train-images.sealed" --offset 784016 --length 784 |
  cmp - <(slice "$plain/fashion/train-images" 784016 784) || surprise 'image 1000 differs'
say 'images, model, log, and image number 1000 alone: identical'
timed 'verify everything' 'no findings' verify "$stored/fashion" "$stored/eng.traineddata.sealed" "$stored/inference.sealed"

step '7. What must be refused is refused'
say "the other tenant's keys on acme's model:"
refuse 4 'no key here opens it' cat "$stored/eng.traineddata.sealed" --dataset globex/fashion
say "globex puts its own key slots into a copy of acme's model, so that its keys are asked:"
cp "$stored/eng.traineddata.sealed" forged.sealed
dd if="$stored/globex-labels.sealed" of=forged.sealed bs=4096 skip=1 seek=1 count=2 conv=notrunc status=none
refuse 4 'forged.sealed' cat forged.sealed --dataset globex/fashion
say 'somebody with the file and a home of their own:'
refuse 4 'no key here opens it' --home "$work/nowhere" cat "$stored/eng.traineddata.sealed"
say 'one bit flipped in the middle of the model:'
cp "$stored/eng.traineddata.sealed" flipped.sealed
python3 - <<'PY'
with open("flipped.sealed", "r+b") as file:
    file.seek(2_000_000)
    byte = file.read(1)[0]
    file.seek(2_000_000)
    file.write(bytes([byte ^ 1]))
PY
refuse 3 'fails its tag' open flipped.sealed flipped
[[ ! -e flipped ]] || surprise 'a damaged object left a file behind'
say 'the last 100,000 bytes cut off:'
cp "$stored/eng.traineddata.sealed" short.sealed
truncate -s -100000 short.sealed
refuse 3 'cut off' open short.sealed short
say 'two objects of the directory changed places:'
cp -r "$stored/fashion" swapped
mv swapped/train-images.sealed x && mv swapped/train-labels.sealed swapped/train-images.sealed && mv x swapped/train-labels.sealed
printf '  %s$ cloister verify swapped%s\n' "$dim" "$off"
"$CLOISTER" verify swapped 2>/dev/null | grep '^finding' | sed 's/^/    /' || true
refuse 3 'finding' verify swapped

step '8. A destroyed key opens nothing, ever again'
cl tenant create initech
cl dataset create initech/mail
cl seal "$plain/fashion/train-labels" "$stored/initech.sealed" --dataset initech/mail
cl key schedule-destroy --tenant initech --version 1 --wait 30
say 'destruction waits, so that a mistake can be taken back; until then the key is refused:'
refuse 4 'scheduled for destruction' cat "$stored/initech.sealed"
refuse 4 "isn't due" key destroy --tenant initech --version 1
say 'a key known to have leaked is destroyed at once, with its name repeated and a reason on record:'
refuse 2 'confirm' key destroy --tenant initech --version 1 --immediately --reason 'leaked'
cl key destroy --tenant initech --version 1 --immediately --reason 'leaked, incident 17' --confirm initech/1
refuse 4 'destroyed' cat "$stored/initech.sealed"

step '9. And all of it is on record'
"$CLOISTER" audit list --limit 6 | cut -c1-150 | sed "s|$work/||g; s/^/  /"
cl audit verify
row 'audit log' "$(size_of "$CLOISTER_HOME/keys.db")" '' 'chain whole'

# shellcheck source=tools/demo-service.sh
source "$demo_folder/demo-service.sh"
# shellcheck source=tools/demo-transit.sh
source "$demo_folder/demo-transit.sh"
# shellcheck source=tools/demo-use.sh
source "$demo_folder/demo-use.sh"

step '22. The red team: exercises against this deployment'
red_team

step '23. The audit, once more'
audit_after
row 'refusals' 0 '' "$refused of $refused as expected"

printf '\n%s%-30s %16s %12s  %s%s\n' "$bold" 'WHAT' 'BYTES' 'RATE' 'VERDICT' "$off"
for line in "${rows[@]}"; do
  IFS='|' read -r what bytes rate verdict <<<"$line"
  [[ $bytes != 0 ]] || bytes=-
  printf '%-30s %16s %12s  %s%s%s\n' "$what" "$bytes" "$rate" "$green" "$verdict" "$off"
done
printf '\nThe report, before and after: %s\n' "$(realpath "$report")"
printf 'All as promised, in %d s. Where to look next: cloister help, docs/cli.md, docs/formats/sealed-object.md,\n' "$SECONDS"
printf 'docs/threat-model.md; and tests/cli/, where each refusal above is a test.\n'

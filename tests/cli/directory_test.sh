#!/usr/bin/env bash
# Directories: seal, go on after an interruption, verify, open, and what must be found out.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
make_home

mkdir -p tree/a/b tree/c
for i in 1 2 3 4 5; do head -c "${i}0000" /dev/urandom >"tree/a/f$i"; done
printf hello >tree/c/hello
: >tree/empty
printf x >'tree/a/b/name with spaces é'
chmod 600 tree/c/hello

cloister seal tree --dataset acme/data | has '8 objects' || fail 'not every file was sealed'
expect_status 0 cloister verify tree.sealed
expect_status 0 cloister open tree.sealed opened
diff -r tree opened || fail 'the trees differ'
expect test "$(stat -c %a opened/c/hello)" = 600
cloister open tree.sealed opened | has 'there already' || fail 'done twice'
cloister cat tree.sealed/c/hello.sealed | has -x hello || fail 'one object of a directory differs'

# A finished directory isn't sealed into again, nor is another folder.
expect_error 6 'sealed directory already' cloister seal tree --dataset acme/data
mkdir full && touch full/x
expect_error 6 'not empty' cloister seal tree full --dataset acme/data
expect_error 2 'lies within' cloister seal tree tree/inside --dataset acme/data
expect_error 2 "isn't sealed" cloister open tree out

# Hidden names are nowhere in what is stored.
expect_status 0 cloister seal tree hidden --dataset acme/data --hide-names
find hidden | has hello && fail 'a name is to be seen'
grep -rqa hello hidden && fail 'a name or its content can be read'
expect_status 0 cloister open hidden opened-hidden
diff -r tree opened-hidden || fail 'the trees differ'
cloister inspect hidden --open | has 'c/hello' || fail 'the manifest lists no names'

# Links and devices.
ln -s /etc/passwd tree/link
expect_error 2 'link' cloister seal tree linked --dataset acme/data
expect_absent linked
expect_status 0 cloister seal tree linked --dataset acme/data --skip-special
rm tree/link

# Needs a dataset: its key signs the manifest.
printf 'a passphrase' >phrase && chmod 600 phrase
expect_error 2 'signs the manifest' cloister seal tree signed --tenant acme --passphrase-file phrase

# Missing, extra, renamed, swapped, replaced by an older one.
tampered() {
  rm -rf t
  cp -r tree.sealed t
}
finding() {
  cloister verify t >out 2>err && fail "verify found nothing: $*"
  grep -q "^finding: .*$1" out || fail "no finding names $1: $(cat out)"
}
tampered && rm t/a/f2.sealed && finding 'a/f2'
tampered && cp t/a/f2.sealed t/a/f9.sealed && finding 'a/f9'
tampered && mv t/a/f2.sealed t/a/f8.sealed && finding 'f8'
tampered && mv t/a/f2.sealed x && mv t/a/f3.sealed t/a/f2.sealed && mv x t/a/f3.sealed && finding 'a/f2'
tampered && flip t/a/f5.sealed 20000 && finding 'a/f5'
tampered && cp hidden/manifest.sealed t/manifest.sealed && finding 't'
cloister --quiet seal tree/a/f4 other.sealed --dataset acme/data
tampered && cp other.sealed t/a/f4.sealed && finding 'a/f4'
tampered && rm t/manifest.sealed && finding 'manifest'
tampered && expect_status 0 cloister rekey t && cp tree.sealed/a/f1.sealed t/a/f1.sealed && finding 'a/f1'
tampered && mv t/a/f2.sealed x && mv t/a/f3.sealed t/a/f2.sealed && mv x t/a/f3.sealed
expect_status 3 cloister open t opened-t

# Interrupted: killed, or by SIGINT; the same command goes on, and what is done isn't done again.
mkdir big
for i in $(seq 1 400); do head -c 100000 /dev/urandom >"big/$i"; done
for signal in INT KILL TERM; do
  rm -rf big.sealed
  "$CLOISTER" seal big --dataset acme/data --threads 1 --quiet 2>err &
  sealing=$!
  while [[ $(find big.sealed -name '*.sealed' 2>/dev/null | wc -l) -lt 50 ]]; do
    kill -0 $sealing 2>/dev/null || break
    sleep 0.01
  done
  kill -$signal $sealing 2>/dev/null || true
  status=0
  wait $sealing || status=$?
  [[ -e big.sealed/manifest.sealed ]] && continue # it was quicker than we were
  if [[ $signal != KILL ]]; then
    expect test "$status" = 9
    grep -q 'run the same command again' err || fail 'no advice'
  fi
  expect_error 2 'interrupted' cloister open big.sealed out
  cloister --json seal big --dataset acme/data >reply
  kept=$(json_get objects_kept <reply)
  sealed=$(json_get objects_sealed <reply)
  expect test $((kept + sealed)) = 400
  [[ $signal == KILL ]] || expect test "$kept" -gt 0
  expect_status 0 cloister verify big.sealed
done
expect_status 0 cloister open big.sealed opened-big
diff -r big opened-big || fail 'the trees differ'
expect test -z "$(find big.sealed -name '.*')"

#!/usr/bin/env bash
# seal, open, cat: files, standard input, ranges, overwriting, terminals.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
make_home

head -c 3000000 /dev/urandom >random.bin
printf 'first line\nsecond line, with é and 漢字\n' >text.txt
: >empty

# Files of every kind of size come back, with their mode.
chmod 640 text.txt
for file in random.bin text.txt empty; do
  cloister seal "$file" --dataset acme/data | has "^sealed $file -> $file.sealed" || fail 'no summary'
  cloister open "$file.sealed" "opened-$file" | has "^opened $file.sealed -> opened-$file" || fail 'no summary'
  expect_same "$file" "opened-$file"
done
expect test "$(stat -c %a opened-text.txt)" = 640
expect test "$(stat -c %a text.txt.sealed)" = 644

# Nothing is replaced unless it is asked for.
expect_error 6 'random.bin.sealed: it exists already' cloister seal random.bin --dataset acme/data
expect_error 6 'random.bin: it exists already' cloister open random.bin.sealed
printf x >in-the-way
expect_error 6 'in-the-way' cloister open random.bin.sealed in-the-way
expect test "$(cat in-the-way)" = x
expect_status 0 cloister open random.bin.sealed in-the-way --force
expect_same random.bin in-the-way
expect_status 0 cloister seal random.bin --dataset acme/data --force
# --force is named where there is one, and only there.
expect_error 6 'force replaces it' cloister seal random.bin --dataset acme/data
expect_error 6 'force replaces it' cloister open random.bin.sealed
expect_status 0 cloister identity new there.key
expect_error 6 'it exists already' cloister identity new there.key
grep -q force .err && fail 'identity new has no --force'
expect_error 6 'it exists already' cloister key-file new there.key
grep -q force .err && fail 'key-file new has no --force'
mkdir -p some && echo x >some/x
expect_error 2 'force is for files' cloister seal some --dataset acme/data --force
expect_absent some.sealed

# Folders as targets, default names.
mkdir folder
expect_status 0 cloister seal text.txt folder --dataset acme/data
expect test -f folder/text.txt.sealed
expect_status 0 cloister open folder/text.txt.sealed
expect_same text.txt folder/text.txt
cp text.txt.sealed nosuffix
expect_error 2 "doesn't end in .sealed" cloister open nosuffix

# Standard input and output.
cloister seal - stream.sealed --dataset acme/data <random.bin >/dev/null
cloister open stream.sealed - | cmp - random.bin || fail 'a sealed stream differs'
cat random.bin random.bin random.bin random.bin | cloister seal - long.sealed --dataset acme/data --chunk 16K --quiet
cloister cat long.sealed | cmp - <(cat random.bin random.bin random.bin random.bin) || fail 'a long stream differs'
expect_error 2 'standard output' cloister seal random.bin - --dataset acme/data
expect_error 2 'needs a target' cloister seal - --dataset acme/data
expect_error 2 "can't come from standard input" cloister open - out

# Ciphers, chunk sizes, digest.
for suite in aes-256-gcm chacha20-poly1305; do
  for chunk in 16K 64K 4M; do
    expect_status 0 cloister seal random.bin "$suite-$chunk.sealed" --dataset acme/data --suite "$suite" --chunk "$chunk" --digest
    cloister cat "$suite-$chunk.sealed" | cmp - random.bin || fail "$suite $chunk differs"
  done
done
expect_status 0 cloister verify ./*-gcm-*.sealed ./chacha*.sealed
expect_error 2 'chunk 5K' cloister seal random.bin x.sealed --dataset acme/data --chunk 5K
expect_error 2 'suite' cloister seal random.bin x.sealed --dataset acme/data --suite rot13
expect_absent x.sealed

# Ranges.
for range in '0 1' '0 16' '16384 16384' '16383 2' '2999999 1' '1234567 765432' '3000000 5' '2999990 100'; do
  read -r offset length <<<"$range"
  cloister cat aes-256-gcm-16K.sealed --offset "$offset" --length "$length" |
    cmp - <(tail -c "+$((offset + 1))" random.bin | head -c "$length") || fail "range $range differs"
done
cloister cat aes-256-gcm-16K.sealed --offset 2000000 | cmp - <(tail -c +2000001 random.bin) || fail 'an open range differs'
expect_error 2 'past the end' cloister cat random.bin.sealed --offset 3000001
expect_error 2 'for one object' cloister cat random.bin.sealed text.txt.sealed --offset 1
cloister cat text.txt.sealed text.txt.sealed | cmp - <(cat text.txt text.txt) || fail 'two objects differ'

# Binary stays off the terminal; text doesn't.
status=0
on_terminal '' "$CLOISTER" cat random.bin.sealed >shown || status=$?
expect test "$status" = 2
grep -q 'binary' shown || fail 'binary went to the terminal'
on_terminal '' "$CLOISTER" cat text.txt.sealed | tr -d '\r' | cmp - text.txt || fail 'text on a terminal differs'
printf 'evil \033]0;title\007\n' >escape.txt
cloister --quiet seal escape.txt --dataset acme/data
expect_status 2 on_terminal '' "$CLOISTER" cat escape.txt.sealed
expect_status 0 on_terminal '' "$CLOISTER" cat escape.txt.sealed --force

# Damage: refused as corrupt, and no file is left behind.
cp random.bin.sealed flipped.sealed
flip flipped.sealed 1500000
expect_error 3 'fails its tag' cloister open flipped.sealed
expect_absent flipped
for size in 0 100 4096 16384 1000000; do
  head -c "$size" random.bin.sealed >cut.sealed
  cloister open cut.sealed 2>/dev/null && fail "a file cut to $size bytes opened"
  expect_absent cut
done
cp random.bin.sealed longer.sealed
printf x >>longer.sealed
expect_error 3 'longer.sealed' cloister open longer.sealed
expect_error 2 'not a sealed object' cloister open random.bin out
expect_error 5 'nothere' cloister open nothere.sealed
expect test -z "$(find . -name '.*.part-*')"

# An interrupted read of standard input is no end of input.
mkfifo pipe
"$CLOISTER" seal - interrupted.sealed --dataset acme/data <pipe 2>err &
sealing=$!
exec 9>pipe
printf 'half of it' >&9
sleep 1
kill -INT $sealing
status=0
wait $sealing || status=$?
exec 9>&-
expect test "$status" = 9
grep -q 'run the same command again' err || fail 'no advice'
expect_absent interrupted.sealed

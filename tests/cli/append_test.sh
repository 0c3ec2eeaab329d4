#!/usr/bin/env bash
# append: runs, acknowledgement, kill -9, torn tails, write-only writers, locks, ends.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
make_home

seq 1 500 | cloister append log --dataset acme/data | has '^appended 500 lines' || fail 'no summary'
seq 501 1000 | cloister append log --dataset acme/data --quiet
printf 'no line end' | cloister append log --dataset acme/data --quiet
cloister cat log | cmp - <(seq 1 1000; printf 'no line end') || fail 'the log differs'
cloister cat log --offset 10 --length 100 | cmp - <(seq 1 1000 | tail -c +11 | head -c 100) || fail 'a range differs'
expect_status 0 cloister open log opened
cmp opened <(seq 1 1000; printf 'no line end') || fail 'the opened log differs'
expect test "$(cloister --json inspect log | json_get unauthenticated.runs.2.frames)" -ge 1
cloister verify log | has 'the log is open' || fail 'nobody says that the log is open'

# Another tenant's or dataset's log.
expect_status 2 cloister append log --dataset globex/data
expect_error 4 'no key here opens it' cloister cat log --dataset globex/data

# Lines are acknowledged once they are durable, and soon, though the writer goes on.
mkfifo pipe acks
"$CLOISTER" append live --dataset acme/data --ack <pipe >acks 2>err &
writing=$!
exec 8>pipe 9<acks
printf 'one\ntwo\nthr' >&8
read -r -t 10 -u 9 count || fail 'no acknowledgement'
expect test "$count" = 2
cloister cat live | cmp - <(printf 'one\ntwo\n') || fail 'an acknowledged line is missing'
printf 'ee\n' >&8
read -r -t 10 -u 9 count || fail 'no acknowledgement'
expect test "$count" = 3
# One writer at a time.
echo x | cloister append live --dataset acme/data 2>second && fail 'two writers at once'
grep -q 'live' second || fail 'the second writer hears nothing'
# kill -9: what was acknowledged stays.
printf 'never acknowledged' >&8
kill -KILL $writing
wait $writing 2>/dev/null || true
exec 8>&- 9<&-
cloister cat live | cmp - <(printf 'one\ntwo\nthree\n') || fail 'an acknowledged line was lost'
cloister cat live 2>&1 >/dev/null | has 'without an end' || fail 'the interrupted run is not mentioned'

# A torn tail, cut at every place within the last frame.
whole=$(stat -c %s live)
printf 'four\n' | cloister append live --dataset acme/data --quiet
for cut in 1 4096 8192 10000; do
  cp live torn
  truncate -s "$(($(stat -c %s live) - cut))" torn
  cloister cat torn >shown 2>/dev/null || fail "cut by $cut: not opened"
  head -3 shown | cmp - <(printf 'one\ntwo\nthree\n') || fail "cut by $cut: lines were lost"
  printf 'next\n' | cloister --json append torn --dataset acme/data >reply
  [[ $(cloister cat torn | tail -1) == next ]] || fail "cut by $cut: the next writer's line is missing"
done
cp live torn
truncate -s "$((whole + 100))" torn
printf 'next\n' | cloister append torn --dataset acme/data | has 'left torn' || fail 'the cut is not reported'
# Frames missing in the middle are no torn tail.
cp log holed
python3 - <<'PY'
data = bytearray(open("holed", "rb").read())
at = data.index(b"CLSRFRM1")
data[at + 40] ^= 1
open("holed", "wb").write(data)
PY
expect_status 3 cloister cat holed
expect_status 3 cloister verify holed

# SIGTERM seals what has come and ends the run.
"$CLOISTER" append polite --dataset acme/data --quiet <pipe &
writing=$!
exec 8>pipe
printf 'a\nb\nhalf' >&8
sleep 0.5
kill -TERM $writing
status=0
wait $writing || status=$?
exec 8>&-
expect test "$status" = 0
cloister cat polite | cmp - <(printf 'a\nb\nhalf') || fail 'SIGTERM lost something'
expect test "$(cloister --json inspect polite | json_get unauthenticated.runs.0.ended)" = True

# A writer that can't read: a public key, no home.
cloister dataset recipient add acme/data >logs.pub
expect test "$(cloister dataset recipient list acme/data)" = "$(cat logs.pub)"
echo secret | cloister --home elsewhere append blind --dataset acme/data --no-dataset-key --recipient logs.pub --quiet
echo more | cloister --home elsewhere append blind --dataset acme/data --no-dataset-key --recipient logs.pub --quiet
expect_status 4 cloister --home elsewhere cat blind
cloister cat blind | cmp - <(printf 'secret\nmore\n') || fail 'a blind log differs'

# Rewrap reaches every run; an ended log takes nothing more.
expect_status 0 cloister dataset rotate-key acme/data
expect test "$(cloister --json rewrap log | json_get slot_tables)" = 3
expect_status 0 cloister dataset disable-key acme/data --version 1
cloister cat log | cmp - <(seq 1 1000; printf 'no line end') || fail 'a rewrapped log differs'
echo last | cloister append log --dataset acme/data --end log --quiet
echo x >x
cloister append log --dataset acme/data <x 2>err && fail 'appended to an ended log'
grep -q 'ended' err || fail 'nobody says why'
cloister verify log | has 'is open' && fail 'an ended log is called open'
expect_error 2 'log' cloister rekey log

# Long lines, many lines, no lines.
head -c 300000 /dev/zero | tr '\0' x >long
(cat long; echo; cat long) | cloister append longlines --dataset acme/data --quiet
cloister cat longlines | cmp - <(cat long; echo; cat long) || fail 'long lines differ'
seq 1 200000 | cloister append many --dataset acme/data --quiet
cloister cat many | cmp - <(seq 1 200000) || fail 'many lines differ'
cloister append none --dataset acme/data --quiet </dev/null
expect test "$(cloister cat none | wc -c)" = 0

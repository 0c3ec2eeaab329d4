#!/usr/bin/env bash
# Runs the benchmarks, each beside its peers, or the ones named. BENCH_BYTES and BENCH_ROUNDS shrink them.
#   bench/run.sh [limits|seal-file|random-read|rotation|audit-log|policy|identity|memory]...
set -euo pipefail
build=${BUILD_DIR:?the build folder, as ./do bench sets it}/bench

memory() {
  local work bytes=${BENCH_BYTES:-2147483648} peak
  work=$(mktemp -d /dev/shm/cloister-bench-XXXXXX)
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$work'" RETURN
  echo "peak memory of one process (limit: 64 MiB)"
  head -c "$bytes" /dev/urandom >"$work/large"
  head -c 67108864 "$work/large" >"$work/small"
  measure() {  # name, command...
    local name=$1
    shift
    /usr/bin/time -f %M -o "$work/peak" "$@" >/dev/null
    peak=$(tail -n 1 "$work/peak")
    printf '  %-44s %6.1f MiB\n' "$name" "$(echo "$peak" | awk '{print $1 / 1024}')"
  }
  export CLOISTER_HOME=$work/home
  "$CLOISTER" init --quiet
  "$CLOISTER" tenant create acme --quiet
  "$CLOISTER" dataset create acme/bench --quiet
  for size in small large; do
    measure "seal, $(($(stat -c %s "$work/$size") >> 20)) MiB" "$CLOISTER" seal --quiet --dataset acme/bench "$work/$size" "$work/$size.sealed"
    measure "open, $(($(stat -c %s "$work/$size") >> 20)) MiB" "$CLOISTER" open --quiet "$work/$size.sealed" "$work/opened"
    measure "verify, $(($(stat -c %s "$work/$size") >> 20)) MiB" "$CLOISTER" verify --quiet "$work/$size.sealed"
    rm -f "$work/opened"
  done
  # shellcheck disable=SC2016 # expanded by the inner shell
  measure "seal from standard input" sh -c 'cat "$1" | exec "$2" seal --quiet --dataset acme/bench - "$3"' sh "$work/large" "$CLOISTER" "$work/stream.sealed"
}

[ $# -gt 0 ] || set -- limits seal-file random-read rotation audit-log policy identity memory
for name in "$@"; do
  case "$name" in
    limits | seal-file | random-read | rotation | audit-log | policy | identity) "$build/bench_${name//-/_}" ;;
    memory) memory ;;
    *)
      echo "bench: there is no $name: limits, seal-file, random-read, rotation, audit-log, policy, identity, memory" >&2
      exit 2
      ;;
  esac
  echo
done

#!/usr/bin/env bash
# Runs the benchmarks, each beside its peers, or the ones named. BENCH_BYTES and BENCH_ROUNDS shrink them.
#   bench/run.sh [NAME]...
set -euo pipefail
build=${BUILD_DIR:?the build folder, as ./do bench sets it}/bench
# shellcheck source=bench/http.sh
source "$(dirname "$0")/http.sh"

# In this order. One that is no function here is a program of its own.
benches=(
  limits
  seal-file
  random-read
  rotation
  store
  audit-log
  policy
  anomaly-rate
  anomaly-detection
  identity
  http
  http-idle
  service
  attested-release
  kms-overhead
  aws-dialect
  cold-start
  memory relay scan posture-scan posture-report
  attest-amd attest-intel attest-nvidia attest-tpm inference model-load)

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

# With a PostgreSQL server of its own, on the disk that holds temporary files.
store() {
  local server status=0 postgres_stop=()
  # shellcheck source=tests/cli/postgres_lib
  source "$(dirname "$0")/../tests/cli/postgres_lib"
  server=$(mktemp -d "${TMPDIR:-/tmp}/cloister-pg.XXXXXX")
  if start_postgres "$server"; then export BENCH_POSTGRES="host=$server user=postgres dbname=postgres"; fi
  "$build/bench_store" || status=$?
  stop_postgres
  rm -rf "$server" "$server.out"
  return "$status"
}

service() {
  local work
  work=$(mktemp -d /dev/shm/cloister-bench-XXXXXX)
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$work'" RETURN
  http_files "$work"
  "$build/bench_service" "$work/cert.pem" "$work/key.pem"
}

aws_dialect() { "$(dirname "$0")/aws_dialect.py"; }

cold_start() { "$(dirname "$0")/cold_start.py"; }

relay() { "$(dirname "$0")/relay.py"; }

scan() { "$(dirname "$0")/scan.py"; }

attest_amd() { BUILD_DIR=${build%/bench} "$(dirname "$0")/attest_amd.py"; }

attest_intel() { BUILD_DIR=${build%/bench} "$(dirname "$0")/attest_intel.py"; }

inference() { BUILD_DIR=${build%/bench} "$(dirname "$0")/inference.py"; }

attest_nvidia() { "$(dirname "$0")/attest_nvidia.py"; }

# Runs the benchmark called $1.
bench() {
  local listed
  for listed in "${benches[@]}"; do
    if [ "$listed" != "$1" ]; then continue; fi
    if declare -F "${1//-/_}" >/dev/null; then "${1//-/_}"; else "$build/bench_${1//-/_}"; fi
    return
  done
  echo "bench: there is no $1: ${benches[*]}" >&2
  return 2
}

[ $# -gt 0 ] || set -- "${benches[@]}"
for name in "$@"; do
  bench "$name"
  echo
done

#!/usr/bin/env bash
# The one developer command. Every verb sets up what it needs, says what it is doing, and is quick the second time.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tools/lib.sh
. tools/lib.sh
trap 'fail "line $LINENO failed: $BASH_COMMAND"' ERR

usage() {
  cat <<'TEXT'
./do demo [--root pkcs11]      seal, rotate, open, send and attack real data; the root in a file, or in a token of SoftHSM2
./do test            build what is released, and everything else, and run all tests (--fuzzed: without the fuzz targets, which ran)
./do build [PRESET]  build dev (default), release, asan, tsan or fuzz
./do check           format, layers, words, links, scripts: under a minute
./do tidy            clang-tidy over src/
./do fuzz NAME|all [SECONDS]   run fuzz targets (default 60 seconds each); --quick before the name: compiled without optimisation
./do bench [NAME]    benchmarks beside their peers; without a name, all of them
./do sanitize [asan|tsan]      build and run the unit tests under sanitizers
./do clean           remove build/ (and, with "all", the OpenSSL that was built)
TEXT
}

verb_demo() {
  need build demo
  need_openssl
  build release cloister cloisterd cloister-relay cloister-worker release_attacker
  CLOISTER="$PWD/build/release/apps/cloister" tools/demo.sh "$@"
}

verb_test() {
  # With --fuzzed libFuzzer has just run all targets: their stand-ins for machines without clang would say nothing new.
  [ "${1:-}" != --fuzzed ] || configure_options+=(-DCLOISTER_FUZZ_STAND_INS=OFF)
  need build test demo interop
  need_openssl
  prefetch
  build release
  say "running the tests"
  # Many wait for other programs more than they compute.
  (cd build/release && ctest --output-on-failure -j "$(($(nproc) * 2))")
}

# Installs other people's software while ours compiles; a test that needs it waits for it.
prefetch() {
  mkdir -p build
  tests/interop/prefetch >build/interop-prefetch.log 2>&1 </dev/null &
}

verb_build() {
  local preset=${1:-dev}
  case "$preset" in
    dev | release | asan | tsan) need build ;;
    fuzz) need build fuzz ;;
    *) fail "there is no preset $preset: dev, release, asan, tsan, fuzz" 2 ;;
  esac
  need_openssl
  build "$preset"
}

verb_check() {
  need check
  say "checking format, layers, words, links, secrets, scripts, spelling"
  # shellcheck disable=SC2016 # the inner shell's
  printf '%s\0' format layers words links secrets scripts spelling |
    xargs -0 -P "$(nproc)" -I STEP bash -c 'said=$(tools/check-STEP 2>&1) || { printf "check STEP:\n%s\n" "$said" >&2; exit 1; }' ||
    fail "checks failed"
}

verb_tidy() {
  need build tidy
  need_openssl
  build dev cloister_base
  say "clang-tidy over src/ and apps/"
  git ls-files 'src/*.cc' 'apps/*.cc' | xargs -P "$(nproc)" -n 1 clang-tidy-19 --quiet -p build/dev
}

verb_fuzz() {
  local preset=fuzz
  if [ "${1:-}" = --quick ]; then preset=fuzz-quick && shift; fi
  local name=${1:?which target, or all} seconds=${2:-60} target targets=()
  need build fuzz
  need_openssl
  build "$preset" fuzz_targets
  for target in "build/$preset"/tests/*_fuzz; do
    if [ "$name" = all ] || [ "$(basename "$target")" = "${name%_fuzz}_fuzz" ]; then targets+=("$target"); fi
  done
  [ ${#targets[@]} -gt 0 ] || fail "there is no fuzz target $name" 2
  # As many at a time as there are cores; the first that fails ends it.
  printf '%s\0' "${targets[@]}" | xargs -0 -P "$(nproc)" -n 1 tools/fuzz-target.sh "$seconds" || fail "fuzzing failed"
}

verb_bench() {
  need build bench
  need_openssl
  build release
  CLOISTER="$PWD/build/release/apps/cloister" BUILD_DIR="$PWD/build/release" \
    OPENSSL_LIBRARY="$([ ! -d .deps/openssl/lib ] || echo "$PWD/.deps/openssl/lib")" bench/run.sh "$@"
}

verb_sanitize() {
  local preset=${1:-asan}
  need build test
  need_openssl
  build "$preset"
  (cd "build/$preset" && ctest --output-on-failure -j "$(nproc)" -R '_test$')
}

verb_clean() {
  rm -rf build
  [ "${1:-}" != all ] || rm -rf .deps
}

verb=${1:-help}
[ $# -eq 0 ] || shift
case "$verb" in
  demo | test | build | check | tidy | fuzz | bench | sanitize | clean) "verb_$verb" "$@" ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac

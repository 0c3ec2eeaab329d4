#!/usr/bin/env bash
# Runs one fuzz target: tools/fuzz-target.sh SECONDS TARGET. Crashing inputs stay in corpus/ of its build folder.
set -euo pipefail
# shellcheck source=tools/lib.sh
. tools/lib.sh
seconds=$1 target=$2
name=$(basename "$target")
corpus="tests/fuzz/corpus/$name"
work="$(dirname "$target")/../corpus/$name"
mkdir -p "$work"
say "fuzzing $name for $seconds seconds"
folders=("$work")
[ ! -d "$corpus" ] || folders+=("$corpus")
if ! "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=0 -verbosity=0 \
  -artifact_prefix="$work/crash-" "${folders[@]}" >"$work.log" 2>&1; then
  cat "$work.log" >&2
  fail "$name failed" 255  # which ends xargs
fi

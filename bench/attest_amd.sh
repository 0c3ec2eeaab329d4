#!/usr/bin/env bash
# Verdicts on SNP reports a second beside go-sev-guest's, on the same report: bench/attest_amd.sh BUILD_DIR VECTORS.
set -euo pipefail
build=$(realpath "$1") vectors=$(realpath "$2")
source=$(realpath "$(dirname "$0")/../tests/interop/sev_verifier")
peer=$(mktemp -d)
trap 'rm -rf "$peer"' EXIT
(cd "$source" && go build -o "$peer/sev_verifier" .)
CLOISTER_VECTORS=$vectors "$build/bench/bench_attest_amd"
rate=$(GOMAXPROCS=1 "$peer/sev_verifier" "$vectors/snp/milan-v3-oak" vcek 2025-06-01T00:00:00Z BENCH)
printf '%-60s %8.0f a second a core\n' "go-sev-guest: the report and chain of a real Milan" "$rate"

#!/usr/bin/env bash
# The released program is built as docs/threat-model.md counts on.
set -euo pipefail
program=$CLOISTER
if ! grep -q '^CLOISTER_HARDENED:.*=ON' "$BUILD_DIR/CMakeCache.txt"; then
  echo "skipped: this build isn't for release"
  exit 77
fi
failed=0
expect() {  # what, command...
  local what=$1
  shift
  if "$@" >/dev/null; then
    echo "ok: $what"
  else
    echo "MISSING: $what"
    failed=1
  fi
}
headers=$(readelf -W -h -l "$program")
dynamic=$(readelf -W -d "$program")
symbols=$(readelf -W --dyn-syms "$program")
# shellcheck disable=SC2317 # called through expect
has() { grep -qE "$2" <<<"$1"; }
# shellcheck disable=SC2317 # called through expect
lacks() { ! grep -qE "$2" <<<"$1"; }

expect "position independent" has "$headers" 'Type: +DYN'
expect "relocations read-only (RELRO)" has "$headers" 'GNU_RELRO'
expect "bound at start (full RELRO)" has "$dynamic" 'BIND_NOW|FLAGS.*NOW'
expect "stack not executable" has "$headers" 'GNU_STACK +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ RW '
expect "stack protector" has "$symbols" '__stack_chk_fail'
expect "fortified calls" has "$symbols" '_chk@'
expect "no text relocations" lacks "$dynamic" 'TEXTREL'
if [ "$(uname -m)" = x86_64 ]; then
  # The property of the whole program also needs the C library's start files to have it; the entry of our own functions doesn't.
  entries=$(objdump -d --no-show-raw-insn "$program" 2>/dev/null | grep -c endbr64 || true)
  expect "indirect branches land on endbr64 ($entries)" test "$entries" -gt 1000
fi
if [ -f "$SOURCE_DIR/.deps/openssl/built" ]; then
  expect "OpenSSL found by RPATH" has "$dynamic" '\(RPATH\)'
  expect "and not by RUNPATH" lacks "$dynamic" '\(RUNPATH\)'
fi
exit "$failed"

#!/usr/bin/env bash
# Each program maps exactly one libcrypto, of 3.5 or newer, with the wide AES-GCM path where the processor has it: alone,
# and with a PKCS#11 module loaded that brings its own wish for OpenSSL. What speaks TLS finds its one libssl beside it.
set -euo pipefail
check() {
  python3 - "$1" <<'PY'
import json, sys
info = json.loads(sys.argv[1])["openssl"]
version = tuple(int(part) for part in info["version"].split(".")[:2])
assert version >= (3, 5), info
assert info["too_old"] is False, info
assert len(info["libcrypto_mapped"]) == 1, info
flags = set()
for line in open("/proc/cpuinfo"):
    if line.startswith("flags"):
        flags = set(line.split(":")[1].split())
        break
wide = {"vaes", "vpclmulqdq", "avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags
assert info["vaes_avx512"] == wide, (wide, info)
print(f"OpenSSL {info['version']}, one copy, wide AES-GCM path: {wide}")
PY
}
check "$("$CLOISTER" version --json)"
if OPENSSL_CONF=/dev/null ldd "$CLOISTER" | grep libcrypto | grep -qv "libcrypto.so.3 => "; then
  echo "the program links to a libcrypto of another name"
  exit 1
fi
# Of one folder, and each once: libssl and libcrypto of two versions don't fit together.
check_libssl() {  # program, library to preload or nothing
  local found
  found=$(LD_PRELOAD=${2:-} ldd "$1" | awk '$1 ~ /^lib(ssl|crypto)[.]so/ {print $1, $3}' | sort -u)
  python3 - "$found" <<'PY'
import os, sys
found = [line.split() for line in sys.argv[1].splitlines()]
assert sorted(name.split(".")[0] for name, _ in found) == ["libcrypto", "libssl"], found
assert len({os.path.dirname(path) for _, path in found}) == 1, found
PY
}
check_libssl "$BUILD_DIR/tests/net_server"
module=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | head -n 1)
if [ -n "$module" ]; then
  # The token library's own need for libcrypto must be met by the copy that is there.
  check "$(LD_PRELOAD=$module "$CLOISTER" version --json)"
fi
libpq=$(find /usr/lib -name libpq.so.5 2>/dev/null | head -n 1)
if [ -n "$libpq" ]; then
  # Loaded for stores in PostgreSQL only; it brings libssl along, which must be ours as well.
  check "$(LD_PRELOAD=$libpq "$CLOISTER" version --json)"
  check_libssl "$BUILD_DIR/tests/net_server" "$libpq"
  if readelf -d "$CLOISTER" | grep -q 'NEEDED.*libpq'; then
    echo "the program links to libpq: it is loaded only where a store needs it"
    exit 1
  fi
fi

#!/usr/bin/env bash
# The demo once more, with its root key in a token.
set -euo pipefail
: "${CLOISTER:?the path of the cloister program}"
if [[ ! -d /usr/share/datasets/fashion-mnist ]] || ! command -v softhsm2-util >/dev/null; then
  echo 'skipped: dataset-fashion-mnist or softhsm2 is not installed'
  exit 77
fi
"${SOURCE_DIR:?}/tools/demo.sh" --root pkcs11

#!/usr/bin/env bash
# The demo, whole: it checks every step itself and ends with a failure at the first surprise.
set -euo pipefail
: "${CLOISTER:?the path of the cloister program}"
if [[ ! -d /usr/share/datasets/fashion-mnist ]]; then
  echo 'skipped: dataset-fashion-mnist is not installed'
  exit 77
fi
"${SOURCE_DIR:?}/tools/demo.sh"

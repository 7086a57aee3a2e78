#!/usr/bin/env bash
# actionlint and zizmor over .github/, both pinned; any finding fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

key=$(cksum <.ci/zizmor.txt | tr ' ' '-')
zizmor=${XDG_CACHE_HOME:-$HOME/.cache}/taxlien-gateway/zizmor-$key
# Runs the program: an interrupted installation is repeated.
if ! "$zizmor/bin/zizmor" --version >/dev/null 2>&1; then
  python3 -m venv --clear "$zizmor"
  "$zizmor/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r .ci/zizmor.txt
fi
"$zizmor/bin/zizmor" --offline --no-progress .github

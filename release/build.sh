#!/usr/bin/env bash
# Builds the wheel of a commit so that anybody gets the same bytes: from the commit's files alone, at the commit's time.
#   release/build.sh OUT [COMMIT]
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
out=$(mkdir -p "$1" && cd "$1" && pwd)
commit=${2:-HEAD}
python=${PYTHON:-.venv/bin/python}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git archive --format=tar "$commit" | tar -x -C "$tree"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit") PYTHONHASHSEED=0 TZ=UTC LC_ALL=C.UTF-8 \
  "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --wheel-dir "$out" "$tree"

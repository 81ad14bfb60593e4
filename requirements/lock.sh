#!/usr/bin/env bash
# Renews the hash-locked requirements from the .in files. Run by `make lock`; needs uv on the PATH or in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
for name in runtime test; do
  "$uv" pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --quiet --output-file "requirements/$name.txt" "requirements/$name.in"
done

#!/usr/bin/env bash
# Everything of one release in OUT: wheel, lock files, list of contents, check sums. `make release` calls it; signing is a step of its own.
#   release/make.sh OUT [COMMIT]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
release="$here/release"
out=$(mkdir -p "$1" && cd "$1" && pwd)
[ -z "$(ls -A "$out")" ] || { echo "error: $out is not empty; hint: name a new directory" >&2; exit 2; }
PYTHON=${PYTHON:-$here/.venv/bin/python}
export PYTHON
"$release/build.sh" "$out" "${2:-HEAD}"
cp "$here"/requirements/{runtime,model}.txt "$here/LICENSE" "$out"/ 2>/dev/null || cp "$here"/requirements/{runtime,model}.txt "$out"/
(cd "$here" && "$PYTHON" -m release.sbom "$out/sbom.cdx.json")
(cd "$out" && sha256sum -- * > SHA256SUMS)
echo "$out: $(wc -l < "$out/SHA256SUMS") files; next: release/sign.sh $1 KEY"

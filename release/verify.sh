#!/usr/bin/env bash
# Is a release whole, and signed by somebody we allow? SIGNERS is in ssh-keygen's "allowed signers" format. Needs no network.
#   release/verify.sh OUT SIGNERS NAME
set -euo pipefail
signers=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$1"
ssh-keygen -q -Y verify -n hangu-release -f "$signers" -I "$3" -s SHA256SUMS.sig < SHA256SUMS
sha256sum --quiet --strict --check SHA256SUMS
extra=$(comm -13 <(awk '{print $2}' SHA256SUMS | sort) <(find . -type f ! -name 'SHA256SUMS*' -printf '%P\n' | sort))
[ -z "$extra" ] || { echo "error: not in SHA256SUMS: $extra" >&2; exit 1; }
echo "whole, and signed by $3"

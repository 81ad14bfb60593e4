#!/usr/bin/env bash
# Signs a release's check sums with an SSH key (a file, an agent's or a security key's); needs no network.
#   release/sign.sh OUT KEY
set -euo pipefail
rm -f "$1/SHA256SUMS.sig"
ssh-keygen -q -Y sign -n hangu-release -f "$2" "$1/SHA256SUMS" < /dev/null

#!/usr/bin/env bash
# A real Redis for tests, on loopback: the distribution's own package.
#
#   redis.sh fetch               install it where it is not here (apt-get and root are needed)
#   redis.sh run PORT DIR        run it in the foreground with its data in DIR, until killed
#
# With REDIS_PASSWORD in the environment it asks for that password. With REDIS_TLS, a directory holding ca.pem, server.pem
# and server.key, the port speaks TLS and asks clients for a certificate of that authority.
set -euo pipefail

fetch() {
  command -v redis-server >/dev/null && return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "redis-server is not here, and cannot be installed" >&2; return 3; }
  apt-get install -y -q --no-install-recommends redis-server >&2 || { apt-get update -q >&2 && apt-get install -y -q --no-install-recommends redis-server >&2; }
}

run() {
  local port=$1 dir=$2 plain=$1
  mkdir -p "$dir"
  {
    [ -z "${REDIS_TLS:-}" ] || plain=0
    echo "port $plain"
    echo "bind 127.0.0.1"
    echo "dir $dir"
    echo 'save ""'
    echo "appendonly yes"
    [ -z "${REDIS_PASSWORD:-}" ] || echo "requirepass \"$REDIS_PASSWORD\""
    if [ -n "${REDIS_TLS:-}" ]; then
      echo "tls-port $port"
      echo "tls-ca-cert-file $REDIS_TLS/ca.pem"
      echo "tls-cert-file $REDIS_TLS/server.pem"
      echo "tls-key-file $REDIS_TLS/server.key"
      echo "tls-auth-clients yes"
    fi
  } >"$dir/redis.conf"
  exec redis-server "$dir/redis.conf"
}

case ${1:-} in
  fetch) fetch ;;
  run) run "$2" "$3" ;;
  *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# Once Elasticsearch runs: an append-only API key for the gateway and a service token for Kibana, into SITE/secrets.
#   docker compose up --detach elasticsearch && deploy/compose/enrol.sh SITE
set -euo pipefail
umask 077
site=${1:?usage: enrol.sh SITE}
secrets=$site/secrets

ask() { # PATH, body on standard input; the password goes in through a file descriptor, never through the process list
  docker compose exec --no-TTY elasticsearch sh -c '
    umask 077
    printf "user = \"elastic:%s\"\n" "$(cat /run/secrets/elastic_password)" > /tmp/enrol
    trap "rm -f /tmp/enrol" EXIT
    curl --silent --fail --config /tmp/enrol --insecure --header "content-type: application/json" \
      --data-binary @- "https://127.0.0.1:9200$1"' sh "$1"
}

field() { # NAME: one text field of a JSON answer
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

if [ ! -s "$secrets/elastic_api_key" ]; then
  # The least that shipping needs, as `hangu deploy elastic` prints it: it may add records and read them back, and may
  # neither change nor delete one.
  answer=$(ask /_security/api_key <<'EOF'
{"name": "hangu-gateway",
 "role_descriptors": {"records": {
   "cluster": ["monitor"],
   "indices": [{"names": ["logs-hangu.*"],
                "privileges": ["create_doc", "auto_configure", "read", "view_index_metadata", "maintenance"]}]}}}
EOF
)
  field encoded <<<"$answer" > "$secrets/elastic_api_key"
  [ -s "$secrets/elastic_api_key" ] || { echo "error: no API key came back" >&2; exit 1; }
fi

if ! grep -q '^elasticsearch.serviceAccountToken:' "$secrets/kibana.yml"; then
  token=$(ask "/_security/service/elastic/kibana/credential/token/compose" </dev/null | field value)
  [ -n "$token" ] || { echo "error: no service token came back" >&2; exit 1; }
  printf 'elasticsearch.serviceAccountToken: %s\n' "$token" >> "$secrets/kibana.yml"
fi
echo "enrolled; next: docker compose up --detach"

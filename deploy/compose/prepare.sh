#!/usr/bin/env bash
# Before the first `docker compose up`: certificates for Elasticsearch and Kibana from the site's authority, a password,
# and Kibana's settings. Makes what is missing and overwrites nothing.
#   deploy/compose/prepare.sh SITE        (SITE made by `hangu init SITE`)
set -euo pipefail
umask 077
site=${1:?usage: prepare.sh SITE}
secrets=$site/secrets
ca=$site/pki/ca.pem
ca_key=$site/pki/ca.key
[ -f "$ca_key" ] || { echo "error: $ca_key is not there; hint: hangu init $site, and run this before you move the key away" >&2; exit 2; }
mkdir -p "$secrets"

certificate() { # NAME
  [ -f "$secrets/$1.pem" ] && return
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$secrets/$1.key"
  openssl req -new -key "$secrets/$1.key" -subj "/CN=$1" |
    openssl x509 -req -sha256 -days 365 -CA "$ca" -CAkey "$ca_key" -set_serial "0x$(openssl rand -hex 16)" \
      -extfile <(printf '%s\n' "subjectAltName=DNS:$1,DNS:localhost,IP:127.0.0.1" \
        "extendedKeyUsage=serverAuth" "keyUsage=critical,digitalSignature" "basicConstraints=critical,CA:FALSE") \
      -out "$secrets/$1.pem" 2>/dev/null
}

random() { openssl rand -base64 48 | tr -d '\n/+=' | cut -c1-40; }

certificate elasticsearch
certificate kibana
[ -f "$secrets/elastic_password" ] || random > "$secrets/elastic_password"
# Filled by enrol.sh, once Elasticsearch runs; compose wants the files to exist.
[ -f "$secrets/elastic_api_key" ] || : > "$secrets/elastic_api_key"
[ -f "$secrets/kibana.yml" ] || cat > "$secrets/kibana.yml" <<EOF
server.host: 0.0.0.0
server.ssl.enabled: true
server.ssl.certificate: /usr/share/kibana/config/certs/kibana.pem
server.ssl.key: /usr/share/kibana/config/certs/kibana.key
elasticsearch.hosts: ["https://elasticsearch:9200"]
elasticsearch.ssl.certificateAuthorities: ["/usr/share/kibana/config/certs/ca.pem"]
xpack.encryptedSavedObjects.encryptionKey: $(random)
xpack.security.encryptionKey: $(random)
xpack.reporting.encryptionKey: $(random)
telemetry.optIn: false
EOF

# The containers' users: the gateway's is 10001, Elastic's is 1000. As anyone but root this is left to you.
if [ "$(id -u)" = 0 ]; then
  chown 10001 "$site/pki/server.key" "$site"/keys/*.key "$secrets/elastic_api_key" "$site"/clients/operator/*
  chown 1000 "$secrets"/elasticsearch.* "$secrets"/kibana.* "$secrets/elastic_password"
else
  echo "note: run as root, or give server.key, keys/*.key, elastic_api_key and clients/operator/* to uid 10001 and the rest of secrets/ to uid 1000" >&2
fi
chmod 644 "$secrets"/*.pem "$ca"
echo "prepared $secrets; next: docker compose up --detach elasticsearch, then deploy/compose/enrol.sh $site"

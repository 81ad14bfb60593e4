#!/usr/bin/env bash
# A real Elasticsearch for tests: elastic's own integ-test distribution from Maven Central, on loopback, in memory of 512 MB.
#
#   elasticsearch.sh fetch          download once into the cache (mvn and a JDK are needed)
#   elasticsearch.sh run PORT DIR   run it in the foreground with its data in DIR, until killed
#
# With ES_PASSWORD in the environment security is on and the user `elastic` has that password; with ES_ROLES, a roles.yml,
# there is a user `shipper` too, with the role of that name. NODE_FILES names a directory that is laid over the node's
# configuration: certificates, and extra.yml, whose lines are added to elasticsearch.yml.
# The distribution holds the server, its transport and its security: no data-stream, lifecycle, ingest or script modules. Of text
# analysis it gets what we need from TestAnalysisPlugin.java, when a JDK is here: without it API keys cannot be made.
# Elasticsearch will not run as root: a user is made for it. It is for tests only and never redistributed.
set -euo pipefail

version=${ES_VERSION:-8.19.5}
cache=${HANGU_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hangu-tests}
runner=hangu-es
here=$(cd "$(dirname "$0")" && pwd)
home=/opt/hangu-tests/elasticsearch-$version
[ "$(id -u)" = 0 ] || home=$cache/elasticsearch-$version

fetch() {
  [ -x "$home/bin/elasticsearch" ] || download
  [ -d "$home/plugins/test-analysis" ] || analysis
}

download() {
  command -v mvn >/dev/null || { echo "mvn is not here: cannot fetch elasticsearch" >&2; return 3; }
  local artifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip
  local zip=$HOME/.m2/repository/org/elasticsearch/distribution/integ-test-zip/elasticsearch/$version/elasticsearch-$version.zip
  [ -f "$zip" ] || mvn -q -B dependency:get "-Dartifact=$artifact" -Dtransitive=false >&2
  mkdir -p "$(dirname "$home")"
  local fresh
  fresh=$(mktemp -d "$(dirname "$home")/fetch.XXXXXX")
  (cd "$fresh" && python3 -m zipfile -e "$zip" .)
  chmod -R a+rX "$fresh"
  chmod a+x "$fresh/elasticsearch-$version"/bin/* 
  find "$fresh" -path '*/platform/*' -type f -exec chmod a+x {} +
  mv "$fresh/elasticsearch-$version" "$home" 2>/dev/null || true
  rm -rf "$fresh"
}

# Compiled against the server's own classes.
analysis() {
  local fresh
  command -v javac >/dev/null || { echo "javac is not here: no API keys, no cjk analyzer" >&2; return 0; }
  fresh=$(mktemp -d "$home/fetch.XXXXXX")
  javac -cp "$home/lib/*" -d "$fresh/classes" "$here/TestAnalysisPlugin.java"
  mkdir "$fresh/plugin"
  (cd "$fresh/classes" && python3 -m zipfile -c "$fresh/plugin/test-analysis.jar" hangu)
  printf '%s\n' description=tests name=test-analysis version="$version" elasticsearch.version="$version" java.version=17 \
    classname=hangu.tests.TestAnalysisPlugin >"$fresh/plugin/plugin-descriptor.properties"
  chmod -R a+rX "$fresh"
  mv -T "$fresh/plugin" "$home/plugins/test-analysis" 2>/dev/null || true
  rm -rf "$fresh"
}

run() {
  local port=$1 dir=$2
  fetch
  mkdir -p "$dir/config" "$dir/data" "$dir/logs"
  cp -r "$home/config/." "$dir/config/"
  cat >"$dir/config/elasticsearch.yml" <<YML
cluster.name: hangu-tests
discovery.type: single-node
network.host: 127.0.0.1
http.port: $port
transport.port: 0
path.data: $dir/data
path.logs: $dir/logs
xpack.security.enabled: $([ -n "${ES_PASSWORD:-}" ] && echo true || echo false)
xpack.security.enrollment.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
YML
  if [ -n "${NODE_FILES:-}" ]; then
    cp "$NODE_FILES"/* "$dir/config/"
    [ ! -f "$dir/config/extra.yml" ] || cat "$dir/config/extra.yml" >>"$dir/config/elasticsearch.yml"
  fi
  export ES_PATH_CONF=$dir/config ES_JAVA_HOME=${ES_JAVA_HOME:-$(java_home)}
  if [ -n "${ES_PASSWORD:-}" ]; then
    rm -f "$dir/config/elasticsearch.keystore"
    "$home/bin/elasticsearch-keystore" create >/dev/null
    printf %s "$ES_PASSWORD" | "$home/bin/elasticsearch-keystore" add -x -f bootstrap.password >/dev/null
    if [ -n "${ES_ROLES:-}" ]; then
      cp "$ES_ROLES" "$dir/config/roles.yml"
      "$home/bin/elasticsearch-users" useradd shipper -p "$ES_PASSWORD" -r shipper
    fi
    unset ES_PASSWORD
  fi
  export ES_JAVA_OPTS="-Xms512m -Xmx512m -XX:-HeapDumpOnOutOfMemoryError"
  if [ "$(id -u)" = 0 ]; then
    id "$runner" >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$runner"
    chown -R "$runner" "$dir"
    exec setpriv --reuid="$runner" --regid="$runner" --clear-groups --pdeathsig KILL "$home/bin/elasticsearch"
  fi
  exec "$home/bin/elasticsearch"
}

java_home() { dirname "$(dirname "$(readlink -f "$(command -v java)")")"; }

case ${1:-} in
  fetch) fetch ;;
  run) run "$2" "$3" ;;
  *) sed -n '2,14p' "$0" >&2; exit 2 ;;
esac

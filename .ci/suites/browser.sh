#!/usr/bin/env bash
# The scripts of docs/browsers in Chromium and Firefox: reload, cut connection, drained server, cancellation, other origins.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/.ci/browser

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v firefox-esr > /dev/null || missing+=(firefox-esr)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }

work=$(mktemp -d)
server=
stop() {
  [[ -z $server ]] || { kill "$server" 2> /dev/null && wait "$server"; } || true
  rm -rf "$work"
}
trap stop EXIT

cp "$here/package.json" "$here/browser.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts)
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
java -cp "$root/examples/target/handoff-chat.jar" "$here/ReportServer.java" "$root/docs/browsers" > "$work/out" 2> "$work/err" &
server=$!
for _ in $(seq 600); do
  ports=$(sed -n 's/^ready on //p' "$work/out")
  [[ -z $ports ]] || break
  kill -0 "$server" 2> /dev/null || break
  sleep 0.1
done
[[ -n $ports ]] || { echo "FAILED (browser): the server did not start" >&2; cat "$work/err" >&2; exit 1; }
# shellcheck disable=SC2086
(cd "$work" && node browser.mjs "$root" "$(command -v chromium)" "$(command -v firefox-esr)" $ports)

#!/usr/bin/env bash
# Clients that do not follow redirects, unmodified, against bin/chat: with the settings of docs/clients.md and without.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"
here=$root/.ci/redirects

missing=()
command -v curl > /dev/null || missing+=(curl)
python3 -m venv --help > /dev/null 2>&1 || missing+=(python3-venv)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/package.json" "$here/retries.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts)
mvn -B -q -Dstyle.color=never -f "$here/pom.xml" dependency:build-classpath -Dmdep.outputFile="$work/classpath"

start_server
"$work/venv/bin/python" "$here/python_clients.py" "$url" "$root"
java -cp "$(cat "$work/classpath")" "$here/JavaClients.java" "$url"
(cd "$work" && node retries.mjs)

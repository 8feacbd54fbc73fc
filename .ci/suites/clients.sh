#!/usr/bin/env bash
# The SDKs of OpenAI for Python and Node, unmodified, against bin/chat.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"
here=$root/.ci/clients

python3 -m venv --help > /dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-venv; }
command -v npm > /dev/null || { apt-get update -qq && apt-get install -y -qq nodejs npm; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/package.json" "$here"/*.mjs "$work"
(cd "$work" && npm install --silent --no-audit --no-fund)

# Heartbeats between any two words: some SDKs die of a frame without data.
start_server --heartbeat 20ms
"$work/venv/bin/python" "$here/client.py" "$url/v1"
"$work/venv/bin/python" "$here/responses.py" "$url/v1"
(cd "$work" && node client.mjs "$url/v1" && node responses.mjs "$url/v1")

# Spaces before answers, for impatient proxies.
stop_server
start_server --heartbeat 20ms --keep-alive 200ms
"$work/venv/bin/python" "$here/spaces.py" "$url/v1"
(cd "$work" && node spaces.mjs "$url/v1")

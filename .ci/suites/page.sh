#!/usr/bin/env bash
# The page of bin/chat in a real browser: chat, reload in mid-answer, cut connection, stop.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"
here=$root/.ci/page

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }
cp "$here/package.json" "$here/page.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts)

start_server
(cd "$work" && node page.mjs "$url" "$(command -v chromium)")

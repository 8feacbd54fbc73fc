#!/usr/bin/env bash
# The page of bin/chat in Chromium and Firefox: chat, reload in mid-answer, cut connection, stop, tabs, keys. PAGE_SCREENSHOTS names a
# folder for the screenshots.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"
here=$root/.ci/page

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v firefox-esr > /dev/null || missing+=(firefox-esr)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }
cp "$here/package.json" "$here/page.mjs" "$work"
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts)

start_server
open=$url
first=$server
trap 'kill "$first"; stop_server; rm -rf "$work"' EXIT
HANDOFF_API_KEYS=secret start_server
guarded=$url
(cd "$work" && node page.mjs "$open/" "$guarded/" "${PAGE_SCREENSHOTS:-$work}" "$(command -v chromium)" "$(command -v firefox-esr)")

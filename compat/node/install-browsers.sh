#!/usr/bin/env bash
# Installs Chromium and Firefox from the packages of Debian, and the program that controls them.
set -euo pipefail
missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v firefox-esr > /dev/null || missing+=(firefox-esr)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }
"$(dirname -- "${BASH_SOURCE[0]}")/install.sh"

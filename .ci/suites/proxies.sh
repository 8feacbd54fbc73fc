#!/usr/bin/env bash
# The proxy files of this repository with the real proxies: streaming, and logs without tokens.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
here=$root/.ci/proxies

missing=()
for tool in curl caddy nginx haproxy python3; do
  command -v "$tool" > /dev/null || missing+=("$tool")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  apt-get update -qq
  apt-get install -y -qq "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # the workers of nginx run under another user
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
cd "$root"
python3 "$here/proxies.py" "$work"

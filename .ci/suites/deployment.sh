#!/usr/bin/env bash
# The deployment as the Procfile describes it, behind Caddy: with the redirect followed by the client, and hidden by Caddy. Then the
# files of deploy/: the units of systemd behind Caddy with HTTPS, and what the tools say that read these files.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
here=$root/.ci/deployment

missing=()
command -v curl > /dev/null || missing+=(curl)
command -v caddy > /dev/null || missing+=(caddy)
command -v openssl > /dev/null || missing+=(openssl)
command -v systemd-analyze > /dev/null || missing+=(systemd)
command -v go > /dev/null || missing+=(golang)
python3 -m venv --help > /dev/null 2>&1 || missing+=(python3-venv)
if [[ ${#missing[@]} -gt 0 ]]; then
  apt-get update -qq
  apt-get install -y -qq "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
cd "$root"
"$work/venv/bin/python" "$here/deployment.py" "$work/venv/bin/honcho" "$work"
"$here/files.sh" "$work/venv" "$work"
"$work/venv/bin/python" "$here/production.py" "$work"

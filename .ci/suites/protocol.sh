#!/usr/bin/env bash
# A worker in Python, written from docs/protocol-mongodb.md, against the api and stream roles of bin/chat.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
here=$root/.ci/protocol
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv --help > /dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-venv; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
"$work/venv/bin/python" "$here/protocol.py"

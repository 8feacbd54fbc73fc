#!/usr/bin/env bash
# The compatibility suite: all clients, all scenarios. It fails if a cell of docs/compatibility.md differs from what it sees.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONDONTWRITEBYTECODE=1

missing=()
for tool in curl nginx python3; do
  command -v "$tool" > /dev/null || missing+=("$tool")
done
python3 -m venv --help > /dev/null 2>&1 || missing+=(python3-venv)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }

"$root/bin/chat" --help > /dev/null # builds the jar, if need be
"$root/compat/run.py" # the install scripts of the clients install the tools of their languages

#!/usr/bin/env bash
# A small part of the compatibility suite: three clients and the scenarios in which most can go wrong. .ci/long/compat.sh runs all of it.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONDONTWRITEBYTECODE=1

missing=()
for tool in curl nginx python3; do
  command -v "$tool" > /dev/null || missing+=("$tool")
done
python3 -m venv --help > /dev/null 2>&1 || missing+=(python3-venv)
command -v npm > /dev/null || missing+=(nodejs npm)
[[ ${#missing[@]} -eq 0 ]] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}"; }

"$root/bin/chat" --help > /dev/null # builds the jar, if need be
"$root/compat/run.py" --only openai-python,openai-node,curl --scenarios stream,plain,failure-stream,abort,retry

#!/usr/bin/env bash
# The deployment in several processes against one store, while its processes stop, die and stand still.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
command -v python3 > /dev/null || { apt-get update -qq && apt-get install -y -qq python3; }
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
python3 "$root/.ci/cluster/cluster.py"

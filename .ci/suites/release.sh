#!/usr/bin/env bash
# What a release publishes: the BOM names every published module.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/.ci/release

command -v python3 > /dev/null || { apt-get update -qq && apt-get install -y -qq python3; }
PYTHONDONTWRITEBYTECODE=1 python3 "$here/release.py" "$root"

#!/usr/bin/env bash
# The deployment with default settings while its store is paused, and while the clocks of its processes are wrong.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
install() { command -v "$1" > /dev/null || { apt-get update -qq && apt-get install -y -qq "$1"; }; }
install python3
command -v cc > /dev/null || { apt-get update -qq && apt-get install -y -qq gcc libc6-dev; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC -o "$work/wrong_clock.so" "$root/.ci/outage/wrong_clock.c"
"$root/bin/chat" --help > /dev/null # builds the jar, if need be
python3 "$root/.ci/outage/outage.py" "${OUTAGE_SECONDS-15,60}" "$work/wrong_clock.so"

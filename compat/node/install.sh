#!/usr/bin/env bash
# Installs the clients in the versions of package-lock.json, and Node itself, because the clients need Node 22.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
command -v npm > /dev/null || { apt-get update -qq && apt-get install -y -qq npm; }
# Several drivers share one installation.
! cmp -s "$here/package-lock.json" "$COMPAT_WORK/node/installed" || exit 0
mkdir -p "$COMPAT_WORK/node"
cp "$here/package.json" "$here/package-lock.json" "$COMPAT_WORK/node"
# npm may run on an older Node, and warns of that.
(cd "$COMPAT_WORK/node" && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts)
cp "$here/package-lock.json" "$COMPAT_WORK/node/installed"

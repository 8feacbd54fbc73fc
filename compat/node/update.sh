#!/usr/bin/env bash
# Pins the newest release of each client.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
names=$(node -p 'Object.keys(require("./package.json").dependencies).map((name) => `${name}@latest`).join(" ")')
# shellcheck disable=SC2086
npm install --package-lock-only --save-exact --loglevel=error --no-audit --no-fund --ignore-scripts $names

#!/usr/bin/env bash
# Pins the newest release of a client and of everything it needs. Arguments: the names of clients; all of them by default.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
  for file in "$here"/*.in; do
    names+=("$(basename "$file" .in)")
  done
fi
for name in "${names[@]}"; do
  python3 -m venv "$work/$name"
  "$work/$name/bin/pip" install --quiet --disable-pip-version-check --upgrade -r "$here/$name.in"
  "$work/$name/bin/pip" freeze --disable-pip-version-check > "$here/requirements-$name.txt"
done

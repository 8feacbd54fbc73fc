#!/usr/bin/env bash
# Pins the newest release of a client and of everything it needs. Arguments: names of *.in files without the ending; all by default.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
COMPAT_WORK=$(mktemp -d)
trap 'rm -rf "$COMPAT_WORK"' EXIT
source "$here/uv.sh"

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
  for file in "$here"/*.in; do
    names+=("$(basename "$file" .in)")
  done
fi
for name in "${names[@]}"; do
  "$uv" pip compile --quiet --upgrade --python python3 --no-header --no-annotate -o "$here/requirements-$name.txt" "$here/$name.in"
done

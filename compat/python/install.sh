#!/usr/bin/env bash
# Creates the virtual environment of one client from its requirements file. Argument: the name of the file without "requirements-".
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
source "$here/uv.sh"
venv=$COMPAT_WORK/python/$1
"$uv" venv --quiet --clear --python python3 "$venv"
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps -r "$here/requirements-$1.txt"

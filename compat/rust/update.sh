#!/usr/bin/env bash
# Pins the newest release of the client, and updates Cargo.lock.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
version=$(cargo info --quiet async-openai | sed -n 's/^version: \([^ ]*\).*/\1/p')
sed -i "s/^async-openai = { version = \"=[^\"]*\"/async-openai = { version = \"=$version\"/" Cargo.toml
cargo update

#!/usr/bin/env bash
# Builds the driver with the client of Cargo.lock. The first build takes minutes.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
[[ ! -d $HOME/.cargo/bin ]] || PATH=$HOME/.cargo/bin:$PATH
command -v cargo > /dev/null || { apt-get update -qq && apt-get install -y -qq cargo; }
cargo build --quiet --locked --target-dir "$COMPAT_WORK/rust"

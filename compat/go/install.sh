#!/usr/bin/env bash
# Builds the driver with the client of go.mod and go.sum. The first build takes minutes, because the client is large.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
command -v go > /dev/null || { apt-get update -qq && apt-get install -y -qq golang; }
mkdir -p "$COMPAT_WORK/go"
go build -o "$COMPAT_WORK/go/openai-go" .

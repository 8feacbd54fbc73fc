#!/usr/bin/env bash
# Pins the newest release of the client. A new major version is another module: then change the path in main.go first.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
go get github.com/openai/openai-go/v3@latest
go mod tidy

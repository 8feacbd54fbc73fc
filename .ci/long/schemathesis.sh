#!/usr/bin/env bash
# Sends generated requests for each operation of openapi.yaml, and compares each answer with it. No answer may be a 5xx.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"

python3 -m venv --help > /dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-venv; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/.ci/schemathesis/requirements.txt"
export HANDOFF_API_KEYS=key
start_server --redirect accel
cd "$work" # schemathesis writes its reports there

# check BASE PATHS SECONDS: the operations whose path matches PATHS.
check() {
  "$work/venv/bin/st" run "$root/examples/src/main/resources/dev/handoff/examples/chat/openapi.yaml" --url "$url$1" \
    --include-path-regex "$2" -H 'Authorization: Bearer key' --phases coverage,fuzzing --max-time "$3" --warnings off \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
}

check /v1 '^/(chat|responses|models)' 60
check '' '^/(events|healthz|readyz|openapi)' 30

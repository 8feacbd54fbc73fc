#!/usr/bin/env bash
# The store and the queue on FerretDB, an independent server that speaks MongoDB's protocol and keeps what it was told: the
# contracts, and the deployment while that server is away.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH=$root/.ci PYTHONDONTWRITEBYTECODE=1 # for roles.py
here=$root/.ci/ferretdb

missing=()
command -v go > /dev/null || missing+=(golang)
command -v python3 > /dev/null || missing+=(python3)
if [[ ${#missing[@]} -gt 0 ]]; then
  apt-get update -qq
  apt-get install -y -qq "${missing[@]}"
fi

# Takes minutes the first time, and then Go remembers.
ferretd=$root/target/ferretd
mkdir -p "$root/target"
(cd "$here" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags ferretdb_no_postgresql -ldflags '-s -w' -o "$ferretd" .)

work=$(mktemp -d)
server=
stop() {
  [[ -z $server ]] || { kill "$server" 2> /dev/null && wait "$server"; } || true
  rm -rf "$work"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$ferretd" "$port" "$work/contracts" 2> "$work/ferretd.log" &
server=$!
cd "$root"
if ! mvn -B -Dstyle.color=never test -pl handoff-mongo -am "-Dhandoff.mongo.uri=mongodb://127.0.0.1:$port" \
  -Dtest='MongoEventStoreTest,MongoTaskQueueTest' -Dsurefire.failIfNoSpecifiedTests=false > "$work/mvn.log" 2>&1; then
  grep -E '^\[(INFO|ERROR)\]' "$work/mvn.log" | tail -n 60
  cat "$work/ferretd.log"
  echo "FAILED (ferretdb): the contracts" >&2
  exit 1
fi
kill -0 "$server" || { echo "FAILED (ferretdb): the server did not run" >&2; exit 1; }
# Maven's line for all tests together. A rule of a contract that does not apply to a back end is skipped, and not counted.
contracts=$(sed -n 's/^\[[A-Z]*\] Tests run: \([0-9]*\), Failures: 0, Errors: 0, Skipped: \([0-9]*\)$/\1 \2/p' "$work/mvn.log" |
  tail -n 1 | awk '{ print $1 - $2 }')
[[ ${contracts:-0} -gt 0 ]] || { echo "FAILED (ferretdb): no contract was run" >&2; exit 1; }
echo "ferretdb: $contracts tests of the contracts"

"$root/bin/chat" --help > /dev/null # builds the jar, if need be
python3 "$here/outage.py" "$ferretd" "$work/outage" "$contracts"

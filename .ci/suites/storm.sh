#!/usr/bin/env bash
# A short storm: fails if any event is missing, comes twice, or any stream is lost. Times are for a quiet machine, not for here.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
[[ -f benchmarks/target/storm.jar ]] || mvn -B -q -Dstyle.color=never -pl benchmarks -am package -DskipTests

work=$(mktemp -d)
server=
stop() {
  [[ -z $server ]] || { kill "$server" 2> /dev/null && wait "$server"; } || true
  rm -rf "$work"
}
trap stop EXIT

java -jar benchmarks/target/storm.jar --port 0 > "$work/out" &
server=$!
for _ in $(seq 300); do
  url=$(sed -n 's/.* ready on //p' "$work/out")
  [[ -z $url ]] || break
  kill -0 "$server" || { echo "FAILED (storm): the server did not start" >&2; exit 1; }
  sleep 0.1
done

storm() {
  java -jar benchmarks/target/storm.jar client --url "$url" --pid "$server" "$@"
}

storm --mode steady --streams 100 --seconds 10
storm --mode reconnect --streams 100 --seconds 5
storm --mode fanout --streams 100 --seconds 3
storm --mode slow --streams 100 --seconds 3
storm --mode idle --streams 100 --seconds 2
echo "storm: 5 storms, nothing missing, nothing twice, nothing lost"

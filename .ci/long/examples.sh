#!/usr/bin/env bash
# Starts each example from the command in its README, in a clone of the repository, and asks it for a report.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
server=

stop_server() {
  [[ -z $server ]] || { kill -- "-$server" 2> /dev/null && wait "$server"; } || true
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

git clone -q "$root" "$work/clone"
cd "$work/clone"

# start EXAMPLE URL...: runs the first line of the first shell block of the README, and waits until the addresses answer.
start() {
  local command url
  command=$(awk '/^```sh$/ { inside = 1; next } inside { print; exit }' "examples/$1/README.md")
  echo "examples: $command"
  # In a process group of its own, since Maven does not stop the server that it has started.
  setsid bash -c "exec $command" > "$work/out" 2>&1 &
  server=$!
  for url in "${@:2}"; do
    for ((i = 0; i < 3000; i++)); do
      ! curl -s -o /dev/null "$url" || continue 2
      kill -0 "$server" 2> /dev/null || break
      sleep 0.1
    done
    not_started "$1"
    return 1
  done
}

not_started() {
  echo "FAILED (examples): $1 did not start:" >&2
  cat "$work/out" >&2
}

# expect EXAMPLE TEXT COMMAND...: the command prints a stream with the text and the end.
expect() {
  local stream
  stream=$("${@:3}")
  if [[ $stream != *"$2"* || $stream != *"event: completed"* ]]; then
    printf 'FAILED (examples): %s answered:\n%s\n' "$1" "$stream" >&2
    return 1
  fi
  echo "examples: $1 passed"
}

start war http://127.0.0.1:8080/shop/
curl -s -o /dev/null -c "$work/cookies" -d user=alice -d password=wonderland http://127.0.0.1:8080/shop/login
expect war "page 3 about rain for alice" curl -sNL -b "$work/cookies" -H 'Content-Type: text/plain' -d rain http://127.0.0.1:8080/shop/reports
stop_server

start dropwizard http://127.0.0.1:8081/ping
expect dropwizard "page 3 about rain for alice" curl -sNL -u alice:wonderland -d rain http://127.0.0.1:8080/reports
stop_server

start webflux http://127.0.0.1:8080/
expect webflux "page 3 about rain" curl -sNL -d rain http://127.0.0.1:8080/reports
stop_server

start spring-mvc http://127.0.0.1:8080/
expect spring-mvc "page 5 about rain for alice" curl -sNL -u alice:wonderland -d rain http://127.0.0.1:8080/reports
stop_server

start spring-roles http://127.0.0.1:8080/ http://127.0.0.1:8081/
expect spring-roles "page 5 about rain for alice" curl -sNL -u alice:wonderland -d rain http://127.0.0.1:8080/reports
stop_server

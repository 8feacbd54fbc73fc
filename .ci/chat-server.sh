# Starts the chat server for a suite, and stops it with the suite. To be sourced; sets $root and $url.
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
server=

stop_server() {
  [[ -z $server ]] || { kill "$server" 2> /dev/null && wait "$server"; } || true
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT

# start_server OPTION...: on a free port; waits until it says that it is ready.
start_server() {
  : > "$work/out"
  "$root/bin/chat" --port 0 "$@" > "$work/out" 2> "$work/err" &
  server=$!
  for ((i = 0; i < 1200; i++)); do
    url=$(sed -n 's/^handoff-chat ready on //p' "$work/out")
    [[ -z $url ]] || return 0
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  echo "the chat server did not start:" >&2
  cat "$work/err" >&2
  return 1
}

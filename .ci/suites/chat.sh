#!/usr/bin/env bash
# The README by hand: starts bin/chat, asks it with curl, and looks at every byte that matters.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../chat-server.sh"
command -v curl > /dev/null || { apt-get update -qq && apt-get install -y -qq curl; }

passed=0
failed=0

# check WHAT COMMAND...: counts a check.
check() {
  local what=$1
  shift
  if "$@" > /dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what" >&2
  fi
}

# request STREAM TEXT [METADATA]: a request to the model echo.
request() {
  printf '{"model":"echo","stream":%s,"messages":[{"role":"user","content":"%s"}],"metadata":{%s}}' "$1" "$2" "${3:-}"
}

# location CURL-OPTION...: begins an answer, and prints where it is.
location() {
  curl -sS -D - -o /dev/null "$@" "$url/v1/chat/completions" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p'
}

# data: the data lines of an event stream.
data() {
  sed -n 's/^data: //p'
}

start_server --heartbeat 100ms

# Access
status=$(curl -sS -o "$work/refused" -w '%{http_code}' -H 'Host: evil.example' -d "$(request true a)" "$url/v1/chat/completions")
check "a foreign host name is a 403" test "$status" = 403
check "which names the option that allows it" grep -q -- '--allowed-host evil.example' "$work/refused"
status=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Origin: https://evil.example' -d "$(request true a)" "$url/v1/chat/completions")
check "a foreign page is a 403" test "$status" = 403
status=$(curl -sS -o "$work/refused" -w '%{http_code}' -X TRACE -H 'Authorization: Bearer secret' "$url/healthz")
check "TRACE is a 405" test "$status" = 405
check "and echoes nothing" bash -c "! grep -q secret '$work/refused'"
status=$(curl -sS -o "$work/refused" -w '%{http_code}' -d "$(request true a)" "$url/chat/completions")
check "a wrong base URL is a 404" test "$status" = 404
check "which says where the API is" grep -q '/v1/chat/completions' "$work/refused"
check "the server exits when it runs out of memory" bash -c "tr '\0' ' ' < /proc/$server/cmdline | grep -q ExitOnOutOfMemoryError"

# Redirect
curl -sS -D "$work/head" -o "$work/body" -d "$(request true 'one two three')" "$url/v1/chat/completions"
check "the redirect is a 303" grep -q '^HTTP/1.1 303' "$work/head"
check "Location is relative" grep -qi '^location: /events/' "$work/head"
check "the redirect is not stored" grep -qi '^cache-control: no-store' "$work/head"
check "the redirect is not retried" grep -qi '^x-should-retry: false' "$work/head"
check "the body of the redirect has no token" bash -c "! grep -q '/events/' '$work/body'"

curl -sSL -D "$work/heads" -o /dev/null -d "$(request true a)" "$url/v1/chat/completions"
check "redirect and stream have the same x-request-id" test "$(tr -d '\r' < "$work/heads" | grep -i '^x-request-id: ' | uniq -c | awk '{ print $1 }')" = 2

# Stream: with the time, in ms, at which each line came
curl -sSNL -d "$(request true 'one two three' '"delay_ms":"200"')" "$url/v1/chat/completions" |
  while IFS= read -r line; do printf '%s %s\n' "$(date +%s%3N)" "$line"; done > "$work/timed"
cut -d' ' -f2- "$work/timed" > "$work/stream"
data < "$work/stream" > "$work/data"
check "a stream has a role, three words, a finish and [DONE]" test "$(wc -l < "$work/data")" -eq 6
check "the first chunk has the role" bash -c "sed -n 1p '$work/data' | grep -q '\"role\":\"assistant\"'"
check "the words are those of the prompt" bash -c "sed -n 2,4p '$work/data' | grep -o '\"content\":\"[^\"]*\"' | tr -d '\n' |
  grep -qx '\"content\":\"one \"\"content\":\"two \"\"content\":\"three\"'"
check "the last chunk says why it stopped" bash -c "sed -n 5p '$work/data' | grep -q '\"finish_reason\":\"stop\"'"
check "[DONE] is last" test "$(tail -n 1 "$work/data")" = "[DONE]"
first=$(grep '"one ' "$work/timed" | cut -d' ' -f1)
third=$(grep '"three"' "$work/timed" | cut -d' ' -f1)
check "the words come as they are said, not all at the end" test $((third - first)) -ge 300
check "heartbeats end in one line feed" bash -c "grep -A1 '^:$' '$work/stream' | grep -vq '^$'"

# No stream
curl -sSL -d "$(request false 'one two three')" "$url/v1/chat/completions" > "$work/json"
check "without a stream there is one completion" grep -q '"object":"chat.completion"' "$work/json"
check "its content is the prompt" grep -q '"content":"one two three"' "$work/json"

# Resume after every event, at both addresses
where=$(location -d "$(request true 'a b c d' '"delay_ms":"1"')")
curl -sS "$url$where" > "$work/whole"
grep '^id: ' "$work/whole" | cut -d' ' -f2 > "$work/ids"
data < "$work/whole" > "$work/all"
check "every event has an id" test "$(wc -l < "$work/ids")" -eq "$(wc -l < "$work/all")"
k=0
while read -r id; do
  k=$((k + 1))
  tail -n +$((k + 1)) "$work/all" > "$work/expected"
  curl -sS -H "Last-Event-ID: $id" "$url$where" | data > "$work/rest"
  check "after event $k the stream gives the rest" cmp -s "$work/expected" "$work/rest"
  curl -sSL -H "Last-Event-ID: $id" -d "$(request true 'a b c d')" "$url/v1/chat/completions" | data > "$work/rest"
  check "after event $k the address it started from gives the rest" cmp -s "$work/expected" "$work/rest"
done < "$work/ids"
status=$(curl -sS -o /dev/null -w '%{http_code}' -H "Last-Event-ID: $(tail -n 1 "$work/ids")" "$url$where")
check "after the end there is nothing" test "$status" = 204

# Errors
code=0
curl -sSNL -d "$(request true 'a b c' '"fail_after":"2"')" "$url/v1/chat/completions" > "$work/failed" 2> /dev/null || code=$?
check "a failure is an error event" grep -q '^event: error$' "$work/failed"
check "with an OpenAI error" grep -q '^data: {"error":{"message":' "$work/failed"
check "and no [DONE]" bash -c "! grep -q 'DONE' '$work/failed'"
check "and the connection is aborted" test "$code" -ne 0
status=$(curl -sSL -o "$work/failed" -w '%{http_code}' -d "$(request false 'a b c' '"fail_after":"2"')" "$url/v1/chat/completions")
check "a failure without a stream is a 500" test "$status" = 500
check "with an OpenAI error, too" grep -q '^{"error":{' "$work/failed"
status=$(curl -sS -o "$work/refused" -w '%{http_code}' "$url${where%???}")
check "a token that was cut is a 401" test "$status" = 401
check "with a problem" grep -q '"code":"invalid_token"' "$work/refused"
status=$(curl -sS -o "$work/refused" -w '%{http_code}' -H 'Last-Event-ID: 17' "$url$where")
check "a Last-Event-ID that is none is a 400" test "$status" = 400
check "which names it" grep -q 17 "$work/refused"

# Idempotency
body=$(request true 'a b c' '"delay_ms":"50"')
one=$(location -H 'Idempotency-Key: k1' -d "$body")
two=$(location -H 'Idempotency-Key: k1' -d "$body")
curl -sS "$url$one" > "$work/one"
curl -sS "$url$two" > "$work/two"
check "the same key gives the same stream" cmp -s <(grep -v '^:' "$work/one") <(grep -v '^:' "$work/two")
status=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Idempotency-Key: k1' -d "$(request true other)" "$url/v1/chat/completions")
check "the same key with another body is a 422" test "$status" = 422

# Cancel
where=$(location -d "$(request true 'a b c' '"delay_ms":"100","repeat":"1000"')")
curl -sSN "$url$where" > "$work/cancelled" &
reader=$!
sleep 0.5
began=$(date +%s%3N)
status=$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "$url$where")
check "DELETE is accepted" test "$status" = 202
wait "$reader"
check "the reader has its end within a second" test $(($(date +%s%3N) - began)) -lt 1000
check "which is [DONE]" test "$(data < "$work/cancelled" | tail -n 1)" = "[DONE]"
status=$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "$url$where")
check "a second DELETE is fine" test "$status" = 202

# Stop in mid-answer
where=$(location -d "$(request true 'a b c' '"delay_ms":"100","repeat":"1000"')")
curl -sSN "$url$where" > "$work/cut" 2> /dev/null &
reader=$!
sleep 0.5
stop_server
code=0
wait "$reader" || code=$?
check "curl sees that the answer was cut" test "$code" -ne 0
check "and is told so" grep -q '"code":"interrupted"' "$work/cut"
check "and not that it is whole" bash -c "! grep -q 'DONE' '$work/cut'"
check "the server logs no error" bash -c "! grep -E 'ERROR|Exception' '$work/err'"

# Start
code=0
HANDOFF_SECRET=short "$root/bin/chat" --port 0 > /dev/null 2> "$work/err" || code=$?
check "a short secret stops the start" test "$code" -eq 2
check "in one line" test "$(wc -l < "$work/err")" -eq 1

echo "chat: $passed passed, $failed failed"
[[ $failed -eq 0 ]]

"""The Responses API with OpenAI's SDK for Python against the server whose base URL is the argument."""

import sys
import time

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="any")
checks = 0
text = "one two three four"
types = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    *["response.output_text.delta"] * 4,
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


def check(what, holds):
    global checks
    if not holds:
        sys.exit(f"FAILED (Python, responses): {what}")
    checks += 1


def create(delay_ms="0", **more):
    return client.responses.create(model="echo", input=text, metadata={"delay_ms": delay_ms}, **more)


def ended(response_id):
    deadline = time.monotonic() + 30
    while True:
        response = client.responses.retrieve(response_id)
        if response.status not in ("queued", "in_progress"):
            return response
        check("the response ends within 30 s", time.monotonic() < deadline)
        time.sleep(0.05)


def plain(events):
    return [event.to_dict() for event in events]


response = create(instructions="Say it again.")
check("a response is whole", response.output_text == text and response.status == "completed")
check("the usage counts", response.usage.input_tokens == 7 and response.usage.output_tokens == 4)
check("a stored response can be retrieved", client.responses.retrieve(response.id).output_text == text)

events = list(create(stream=True))
check("the events have the order of OpenAI", [e.type for e in events] == types)
check("the sequence numbers have no gap", [e.sequence_number for e in events] == list(range(len(types))))
check("the last event has the whole text", events[-1].response.output_text == text)

with client.responses.stream(model="echo", input=text, background=True) as stream:
    check("the stream helper gives the final response", stream.get_final_response().output_text == text)

# The connection is cut after each event while the model still generates, and the rest is read by its number.
for k in range(len(types)):
    first = []
    stream = create("30", stream=True, background=True)
    for event in stream:
        first.append(event)
        if event.sequence_number == k:
            break
    stream.close()
    response_id = first[0].response.id
    rest = list(client.responses.retrieve(response_id, stream=True, starting_after=k))
    numbers = [e.sequence_number for e in first + rest]
    check(f"after event {k} the client gets exactly the rest", numbers == list(range(len(types))))
    check(f"after event {k} the types are right", [e.type for e in first + rest] == types)
    whole = plain(client.responses.retrieve(response_id, stream=True))
    check(f"after event {k} the events are the same", plain(first + rest) == whole)

# The same for a response that has ended.
for k in range(len(types)):
    rest = plain(client.responses.retrieve(response_id, stream=True, starting_after=k))
    check(f"an ended response resumes after event {k}", rest == whole[k + 1 :])

response = create("20", background=True)
check("a background response begins at once", response.status in ("queued", "in_progress"))
check("it names its model", response.model == "echo" and response.background)
done = ended(response.id)
check("the client polls it until it is complete", done.status == "completed" and done.output_text == text)
check("it has its usage", done.usage.total_tokens == 8)
check("it repeats the metadata", done.metadata == {"delay_ms": "20"})

short = create(background=True, max_output_tokens=2)
done = ended(short.id)
check("a limit makes it incomplete", done.status == "incomplete")
check("it names the limit", done.incomplete_details.reason == "max_output_tokens")

response = create("60000", background=True)
check("a background response is cancelled", client.responses.cancel(response.id).status == "cancelled")
check("it stays cancelled", ended(response.id).status == "cancelled")
check("it can be cancelled again", client.responses.cancel(response.id).status == "cancelled")
last = list(client.responses.retrieve(response.id, stream=True))[-1]
check("its events end", last.type == "response.cancelled")

failing = client.responses.create(
    model="echo", input=text, background=True, metadata={"delay_ms": "0", "fail_after": "2"}
)
done = ended(failing.id)
check("a failed response says why", done.status == "failed" and "echo failed" in done.error.message)
events = list(client.responses.retrieve(failing.id, stream=True))
check("its last event says so", events[-1].type == "response.failed")
check("no number is missing before it", [e.sequence_number for e in events] == list(range(len(events))))

foreground = create()
try:
    client.responses.cancel(foreground.id)
    check("a response that is not in the background cannot be cancelled", False)
except openai.BadRequestError:
    checks += 1

client.responses.delete(foreground.id)
for missing in (foreground.id, create(store=False).id, "resp_unknown"):
    try:
        client.responses.retrieve(missing)
        check("a response that is not kept is not found", False)
    except openai.NotFoundError:
        checks += 1

try:
    client.responses.create(model="echo", input=text, background=True, store=False)
    check("a background response must be stored", False)
except openai.BadRequestError as e:
    check("the error names the parameter", e.param == "background")

print(f"Python, responses: {checks} passed, 0 failed")

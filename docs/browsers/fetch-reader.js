// Reads a stream with fetch: it follows the 303, can send headers, and sees the status of an answer.

// Starts a report and waits for its end. show(event) gets each event. Returns the result.
export async function report(url, topic, show, signal) {
  const key = crypto.randomUUID(); // a POST whose answer was lost is repeated, and finds the same task
  let stream = null;
  let last = '';
  for (let failures = 0; failures < 10; failures++) {
    try {
      const response = stream === null
        ? await fetch(url, { method: 'POST', body: topic, headers: { 'Idempotency-Key': key }, signal })
        : await fetch(stream, { headers: last === '' ? {} : { 'Last-Event-ID': last }, signal });
      if (response.ok) {
        stream = response.url.split('?')[0]; // where the 303 led to
        for await (const event of events(response.body)) {
          failures = 0;
          last = event.id;
          switch (event.type) {
            case 'completed':
              return event.data;
            case 'cancelled':
              throw new Ended('cancelled');
            case 'failed':
              throw new Ended(JSON.parse(event.data).detail);
            case 'interrupted':
              break; // the server stops: no end, the rest is at another server
            default:
              show(event);
          }
        }
        // A stream without an end was cut, even if the connection ended cleanly.
      } else if (response.status < 500) {
        throw new Ended(`${response.status}: ${await response.text()}`);
      }
    } catch (error) {
      if (error instanceof Ended || signal?.aborted) {
        throw error;
      }
    }
    await new Promise(wait => setTimeout(wait, 500));
  }
  throw new Error('The server cannot be reached.');
}

export class Ended extends Error {}

// Yields the events of a body as { id, type, data } (HTML Standard, 9.2.6).
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let id = '';
  let type = '';
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const lines = (text + value).split(/\r\n|\n|\r(?!$)/); // a CR at the end may be half of a CRLF
    text = lines.pop();
    for (const line of lines) {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const content = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (line === '') {
        if (data.length > 0) {
          yield { id, type: type || 'message', data: data.join('\n') };
        }
        type = '';
        data = [];
      } else if (field === 'data') {
        data.push(content);
      } else if (field === 'event') {
        type = content;
      } else if (field === 'id') {
        id = content;
      }
    }
  }
}

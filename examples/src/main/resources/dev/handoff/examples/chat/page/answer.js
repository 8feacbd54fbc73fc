import { readEvents } from './events.js';
import { Refused, refusal } from './server.js';
import { withoutToken } from './trace.js';
import { say } from './view.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
const TRY_AGAIN = [429, 502, 503, 504];

/**
 * Reads one answer to its end, over as many connections as it takes. An answer belongs to a request with an Idempotency-Key, so the page
 * can ask for it again at any time, and the server makes it only once.
 */
export class Answer {
  /** `progress()` is called after each event. */
  constructor(pending, server, trace, progress) {
    this.pending = pending;
    this.server = server;
    this.trace = trace;
    this.progress = progress;
    this.dropped = false;
    this.abort = new AbortController();
    this.wake = null;
  }

  /** Returns null if the answer is whole or stopped; else what went wrong. */
  async read() {
    let wait = 0;
    while (!this.dropped) {
      const before = this.pending.lastId;
      try {
        if (await this.connect()) {
          return null;
        }
      } catch (e) {
        if (e instanceof Refused) {
          return e;
        }
      }
      if (!this.dropped) {
        // If events came through, this is another failure than the one before.
        wait = Math.min(LONGEST_PAUSE, wait && before === this.pending.lastId ? wait * 2 : FIRST_PAUSE);
        await this.pause(wait);
      }
    }
    return null;
  }

  /** Stops reading. The server continues with the answer. */
  drop() {
    this.dropped = true;
    this.abort.abort();
    this.retryNow();
  }

  /** Ends a pause between two connections. */
  retryNow() {
    if (this.wake) {
      this.wake();
    }
  }

  /** Reads until the answer ends, or the connection does. Returns whether the answer has ended. */
  async connect() {
    const { pending, trace } = this;
    this.abort = new AbortController();
    const response = await this.open();
    if (response.status === 204) {
      trace.step('204: nothing is left to read');
      return true;
    }
    if (TRY_AGAIN.includes(response.status)) {
      trace.step(response.status + ': the server cannot answer at the moment');
      return false;
    }
    if (!response.ok) {
      trace.step(response.status + ': refused');
      throw await refusal(response);
    }
    if (response.status === 202) {
      pending.url = new URL(response.headers.get('Location'), location.href).href;
      trace.step('202: the stream is at ' + withoutToken(pending.url));
      return this.connect();
    }
    if (!(response.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
      throw await refusal(response);
    }
    if (response.redirected) {
      const url = new URL(response.url);
      // The page says with a header where to continue, so the address needs no query.
      url.search = '';
      pending.url = url.href;
      trace.step('redirect to ' + withoutToken(pending.url));
    }
    trace.step('200: the stream is open');
    say(pending.stopping ? 'Stopping…' : 'Answering…');
    return this.follow(response.body);
  }

  open() {
    const { pending, trace } = this;
    const last = pending.lastId ? { 'Last-Event-ID': pending.lastId } : {};
    if (pending.url) {
      trace.step('GET ' + withoutToken(pending.url) + (pending.lastId ? ', continues after the last event' : ''));
      return fetch(pending.url, { headers: last, cache: 'no-store', signal: this.abort.signal });
    }
    trace.step('POST /api/chat/completions');
    return this.server.post(pending, last, this.abort.signal);
  }

  async follow(body) {
    const { pending, trace } = this;
    let ended = false;
    let failed = null;
    await readEvents(body, (type, id, data) => {
      if (type === 'error') {
        const error = JSON.parse(data).error;
        trace.step('event error: ' + error.code);
        failed = error.code === 'interrupted' ? null : new Refused(error.message, 0);
        return true;
      }
      pending.lastId = id || pending.lastId;
      ended = data === '[DONE]';
      if (!ended) {
        this.take(JSON.parse(data));
      }
      return ended;
    });
    if (failed) {
      throw failed;
    }
    trace.end(ended ? '[DONE]: the answer is whole' : 'the connection ended before the answer did');
    return ended;
  }

  take(chunk) {
    const { pending } = this;
    if (chunk.handoff && chunk.handoff.cancelled) {
      pending.cancelled = true;
    }
    for (const choice of chunk.choices || []) {
      const text = choice.delta && choice.delta.content;
      if (text) {
        pending.text += text;
        this.trace.event();
      }
    }
    this.progress();
  }

  async pause(millis) {
    // The pauses differ, so that not all clients that were cut return at once.
    const spread = millis * (0.75 + Math.random() / 2);
    say('The connection was lost and the answer is not whole yet. Connecting again in '
      + Math.max(1, Math.round(spread / 1000)) + ' s…');
    await new Promise(resolve => {
      this.wake = resolve;
      setTimeout(resolve, spread);
    });
    this.wake = null;
    say('Connecting again…');
  }
}

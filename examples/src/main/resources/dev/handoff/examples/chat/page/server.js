const API = 'api/';

/** An error that another attempt will not mend. `status` is that of the response. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Returns the error of a response that is no success. */
export async function refusal(response) {
  let text = '';
  try {
    const json = await response.json();
    text = (json.error && json.error.message) || json.detail || '';
  } catch (e) {
    // The body is not JSON, so only the status is known.
  }
  return new Refused(text || 'The server answered with status ' + response.status + '.', response.status);
}

/** Talks to the API. `key()` returns the API key, or an empty text. */
export class Server {
  constructor(key) {
    this.key = key;
  }

  headers(more) {
    const key = this.key();
    return key ? { ...more, Authorization: 'Bearer ' + key } : { ...more };
  }

  async models() {
    const response = await fetch(API + 'models', { headers: this.headers() });
    if (!response.ok) {
      throw await refusal(response);
    }
    return (await response.json()).data.map(model => model.id);
  }

  /** Sends the request of an answer. With the same key the server joins the answer that it makes already. */
  post(pending, more, signal) {
    return fetch(API + 'chat/completions', {
      method: 'POST',
      headers: this.headers({ 'Content-Type': 'application/json', 'Idempotency-Key': '"' + pending.key + '"', ...more }),
      body: pending.body,
      signal,
    });
  }

  /** Returns the address of the stream, also if a proxy has followed the redirect and the page has not seen it. */
  async streamUrl(pending) {
    if (pending.url) {
      return pending.url;
    }
    const response = await this.post(pending, { Prefer: 'respond-async' });
    if (response.status !== 202) {
      throw await refusal(response);
    }
    return new URL((await response.json()).streamUrl, location.href).href;
  }

  /** Has the server stop making an answer. */
  async cancel(pending) {
    const response = await fetch(await this.streamUrl(pending), { method: 'DELETE', keepalive: true });
    if (!response.ok) {
      throw await refusal(response);
    }
  }
}

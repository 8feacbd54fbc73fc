// A page in a browser, with fetch or with EventSource. Arguments: the browser, what the page uses, and the arguments of a driver.
import puppeteer from 'puppeteer-core';

const [kind, use, scenario, base, key, model] = process.argv.slice(2);
const PATHS = { chromium: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' };
const STREAMS = ['stream', 'failure-stream', 'limited', 'abort', 'silence', 'resume', 'large'];
const TOOL = {
  name: 'get_weather',
  description: 'Returns the weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const call = {
  use,
  url: `${base}/chat/completions`,
  key,
  idempotencyKey: process.env.COMPAT_SETTING === 'idempotency-key',
  abortAfter: scenario === 'abort' ? 3 : 0,
  body: {
    model,
    stream: STREAMS.includes(scenario) || use === 'eventsource',
    messages: [{ role: 'user', content: process.env.COMPAT_PROMPT }],
    ...(scenario === 'tools' && { tools: [{ type: 'function', function: TOOL }] }),
    ...JSON.parse(process.env.COMPAT_ARGS || '{}'),
  },
};

/** Runs in the page. Returns what its user has seen. */
async function ask({ use, url, key, idempotencyKey, abortAfter, body }) {
  const seen = { outcome: 'cut', text: '', finish: null, error: null, status: null, tool: null };
  let texts = 0;
  const abort = new AbortController();

  /** Takes a chunk or a whole answer; returns whether the page must stop the answer now. */
  function add({ choices = [] }) {
    for (const { delta, message = delta, finish_reason: finish } of choices) {
      seen.text += message.content ?? '';
      texts += message.content ? 1 : 0;
      seen.finish = finish ?? seen.finish;
      for (const { function: called } of message.tool_calls ?? []) {
        seen.tool = { name: seen.tool?.name ?? called.name, arguments: (seen.tool?.arguments ?? '') + called.arguments };
      }
    }
    return abortAfter > 0 && texts === abortAfter;
  }

  async function readBody(response) {
    let event = '';
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('event: ')) {
          event = line.slice(7);
        } else if (line.startsWith('data: ') && event === 'error') {
          throw new Error(JSON.parse(line.slice(6)).error.message);
        } else if (line === 'data: [DONE]') {
          seen.outcome = 'answer';
        } else if (line.startsWith('data: ') && add(JSON.parse(line.slice(6)))) {
          seen.outcome = 'aborted';
          abort.abort();
          return;
        }
      }
    }
  }

  function readEvents(address) {
    return new Promise((ended, failed) => {
      const events = new EventSource(address);
      const end = (outcome) => {
        seen.outcome = outcome;
        events.close();
        ended();
      };
      events.onmessage = ({ data }) => {
        if (data === '[DONE]') {
          end('answer');
        } else if (add(JSON.parse(data))) {
          end('aborted');
        }
      };
      events.onerror = ({ data }) => {
        if (data) {
          events.close();
          failed(new Error(JSON.parse(data).error.message));
        } else if (events.readyState === EventSource.CLOSED) {
          failed(new Error('The browser does not connect again.'));
        }
      };
    });
  }

  try {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    if (idempotencyKey) {
      headers['Idempotency-Key'] = crypto.randomUUID();
    }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: abort.signal });
    if (!response.ok) {
      seen.status = response.status;
      throw new Error((await response.json()).error.message);
    }
    if (use === 'eventsource' && response.redirected) {
      response.body.cancel();
      await readEvents(response.url);
    } else if (use === 'eventsource') {
      abort.abort();
      seen.outcome = 'unsupported';
    } else if (body.stream) {
      await readBody(response);
    } else {
      add(await response.json());
      seen.outcome = 'answer';
    }
  } catch (e) {
    seen.outcome = 'error';
    seen.error = String(e);
  }
  if (seen.tool) {
    seen.tool.arguments = JSON.parse(seen.tool.arguments);
  }
  return seen;
}

async function run() {
  if (use === 'eventsource' && ['plain', 'failure-plain'].includes(scenario)) {
    return { outcome: 'unsupported' };
  }
  const page = await browser.newPage();
  // The page of the server, because a page of another origin may not use the API.
  await page.goto(new URL('/', base).href);
  return page.evaluate(ask, call);
}

const browser = await puppeteer.launch({
  browser: kind === 'firefox' ? 'firefox' : 'chrome',
  executablePath: PATHS[kind],
  headless: true,
  args: kind === 'firefox' ? [] : ['--no-sandbox'],
});
try {
  const seen = await run();
  await new Promise((written) => process.stdout.write(`${JSON.stringify(seen)}\n`, written));
  if (seen.outcome === 'aborted') {
    // If the browser ended, it would close a connection that the page leaves open. run.py closes standard input when it has looked.
    for await (const ignored of process.stdin);
  }
} finally {
  await browser.close();
}

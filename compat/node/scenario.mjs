// What the drivers for Node share: the scenario, and the result that a driver prints.
const [scenario, baseURL, apiKey, model] = process.argv.slice(2);
const ABORT_AFTER = 3;

const STREAMS = ['stream', 'failure-stream', 'limited', 'abort', 'silence', 'resume', 'large'];
const TOOL = {
  name: 'get_weather',
  description: 'Returns the weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** What the driver asks. `fields` are further fields of the request; `tool` is the function that it offers, or undefined. */
export const ask = {
  baseURL,
  apiKey,
  model,
  prompt: process.env.COMPAT_PROMPT,
  fields: JSON.parse(process.env.COMPAT_ARGS || '{}'),
  setting: process.env.COMPAT_SETTING ?? '',
  tool: scenario === 'tools' ? TOOL : undefined,
};

/**
 * Runs the scenario with a client. `stream()` returns an iterable of parts, and `plain()` one part. A part may have `text`, `finish`, and
 * `tool` with `name` and `arguments`. `abort()` stops a stream that does not stop when its reader leaves the loop.
 */
export async function run({ stream, plain, abort = () => {} }) {
  const seen = { outcome: 'answer', text: '', finish: null, error: null, status: null, tool: null };
  try {
    if (STREAMS.includes(scenario)) {
      await read(await stream(), abort, seen);
    } else {
      add(await plain(), seen);
    }
  } catch (e) {
    Object.assign(seen, { outcome: 'error', error: `${e.constructor.name}: ${e.message}`, status: statusOf(e) });
  }
  // The process must not exit before the pipe has taken the whole line.
  await new Promise((written) => process.stdout.write(`${JSON.stringify(seen)}\n`, written));
  if (seen.outcome === 'aborted') {
    await standardInputEnds();
  }
  process.exit(0);
}

async function read(parts, abort, seen) {
  let texts = 0;
  for await (const part of parts) {
    add(part, seen);
    texts += part.text ? 1 : 0;
    if (scenario === 'abort' && texts === ABORT_AFTER) {
      abort();
      seen.outcome = 'aborted';
      return;
    }
  }
}

function add({ text, finish, tool }, seen) {
  seen.text += text ?? '';
  seen.finish = finish ?? seen.finish;
  if (tool) {
    const { name, arguments: given } = tool;
    seen.tool = { name, arguments: typeof given === 'string' ? JSON.parse(given) : given };
  }
}

/** Returns the HTTP status of an error; the SDKs name the field in different ways, and one wraps the error of the last attempt. */
function statusOf(e) {
  return e.status ?? e.statusCode ?? e.lastError?.statusCode ?? null;
}

/** A driver that ended at once would close a connection that the client leaves open. */
async function standardInputEnds() {
  for await (const ignored of process.stdin) {
    // run.py closes it when it has seen whether the model stops.
  }
}

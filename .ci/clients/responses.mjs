// The Responses API with OpenAI's SDK for Node against the server whose base URL is the argument.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'any' });
const text = 'one two three four';
const types = [
  'response.created',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
  ...Array(4).fill('response.output_text.delta'),
  'response.output_text.done',
  'response.content_part.done',
  'response.output_item.done',
  'response.completed',
];
let checks = 0;

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (Node, responses): ${what}`);
    process.exit(1);
  }
  checks++;
}

function same(what, actual, expected) {
  try {
    assert.deepEqual(actual, expected);
  } catch (e) {
    console.error(e.message);
    check(what, false);
  }
  checks++;
}

function create(delay, more = {}) {
  return client.responses.create({ model: 'echo', input: text, metadata: { delay_ms: delay }, ...more });
}

async function all(stream) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  return events;
}

async function ended(id) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (response.status !== 'queued' && response.status !== 'in_progress') {
      return response;
    }
    check('the response ends within 30 s', Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function statusOf(work) {
  try {
    await work();
  } catch (e) {
    return e.status;
  }
  return null;
}

check('a response is whole', (await create('0')).output_text === text);
const events = await all(await create('0', { stream: true }));
same('the events have the order of OpenAI', events.map((e) => e.type), types);

let whole = [];
let id = '';
for (let k = 0; k < types.length; k++) {
  const first = [];
  for await (const event of await create('30', { stream: true, background: true })) {
    first.push(event);
    if (event.sequence_number === k) {
      break;
    }
  }
  id = first[0].response.id;
  const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: k }));
  whole = await all(await client.responses.retrieve(id, { stream: true }));
  same(`after event ${k} the client gets exactly the rest`, [...first, ...rest], whole);
  same(`after event ${k} no number is missing`, whole.map((e) => e.sequence_number), [...types.keys()]);
}
for (let k = 0; k < types.length; k++) {
  const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: k }));
  same(`an ended response resumes after event ${k}`, rest, whole.slice(k + 1));
}

const helper = client.responses.stream({ response_id: id, starting_after: 5 });
same('the stream helper resumes', (await all(helper)).map((e) => e.sequence_number), [...types.keys()].slice(6));

const background = await create('20', { background: true });
check('a background response begins at once', ['queued', 'in_progress'].includes(background.status));
check('the client polls it until it is complete', (await ended(background.id)).output_text === text);

const long = await create('60000', { background: true });
check('a background response is cancelled', (await client.responses.cancel(long.id)).status === 'cancelled');
check('it stays cancelled', (await ended(long.id)).status === 'cancelled');

const foreground = await create('0');
check('only background responses can be cancelled', (await statusOf(() => client.responses.cancel(foreground.id))) === 400);
await client.responses.delete(foreground.id);
check('a deleted response is not found', (await statusOf(() => client.responses.retrieve(foreground.id))) === 404);
console.log(`Node, responses: ${checks} passed, 0 failed`);

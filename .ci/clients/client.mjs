// OpenAI's SDK for Node against the server whose base URL is the argument.
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'any' });
const text = 'one two three four';
let checks = 0;

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (Node): ${what}`);
    process.exit(1);
  }
  checks++;
}

function ask(stream, metadata = {}) {
  return client.chat.completions.create({
    model: 'echo',
    stream,
    messages: [{ role: 'user', content: text }],
    metadata,
  });
}

async function read(stream) {
  let all = '';
  let last = null;
  for await (const chunk of stream) {
    all += chunk.choices[0].delta.content ?? '';
    last = chunk.choices[0].finish_reason;
  }
  return { all, last };
}

async function failureOf(work) {
  try {
    await work();
  } catch (e) {
    return e;
  }
  return null;
}

const whole = await read(await ask(true, { delay_ms: '60' }));
check('the stream is whole', whole.all === text);
check('the stream says why it stopped', whole.last === 'stop');
check('the answer is whole', (await ask(false)).choices[0].message.content === text);
const inStream = await failureOf(async () => read(await ask(true, { fail_after: '2' })));
check('a stream that fails throws', inStream instanceof OpenAI.APIError && inStream.message.includes('echo failed'));
const inAnswer = await failureOf(() => ask(false, { fail_after: '2' }));
check('an answer that fails throws', inAnswer instanceof OpenAI.InternalServerError);
const ids = [];
for await (const model of client.models.list()) {
  ids.push(model.id);
}
check('the models are listed', ids.includes('echo'));
console.log(`Node: ${checks} passed, 0 failed`);

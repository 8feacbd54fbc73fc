// LangChain for JavaScript.
import { ChatOpenAI } from '@langchain/openai';
import { ask, run } from './scenario.mjs';

const model = new ChatOpenAI({
  model: ask.model,
  apiKey: ask.apiKey,
  configuration: { baseURL: ask.baseURL },
  ...ask.fields,
  ...(ask.setting === 'no-retries' && { maxRetries: 0 }),
});
const chat = ask.tool ? model.bindTools([{ type: 'function', function: ask.tool }]) : model;
const options = ask.setting === 'idempotency-key' ? { options: { headers: { 'Idempotency-Key': crypto.randomUUID() } } } : {};

function part({ text, response_metadata: metadata, tool_calls: calls }) {
  return { text, finish: metadata?.finish_reason, tool: calls?.[0] && { name: calls[0].name, arguments: calls[0].args } };
}

async function* stream() {
  for await (const { text, response_metadata: metadata } of await chat.stream(ask.prompt, options)) {
    yield { text, finish: metadata?.finish_reason };
  }
}

async function plain() {
  return part(await chat.invoke(ask.prompt, options));
}

await run({ stream, plain });

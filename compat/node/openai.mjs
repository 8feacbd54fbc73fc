// The SDK of OpenAI for Node.
import OpenAI from 'openai';
import { ask, run } from './scenario.mjs';

const client = new OpenAI({ baseURL: ask.baseURL, apiKey: ask.apiKey });

function create(stream) {
  return client.chat.completions.create({
    model: ask.model,
    messages: [{ role: 'user', content: ask.prompt }],
    stream,
    ...(ask.tool && { tools: [{ type: 'function', function: ask.tool }] }),
    ...ask.fields,
  });
}

async function* stream() {
  for await (const chunk of await create(true)) {
    for (const choice of chunk.choices) {
      yield { text: choice.delta.content, finish: choice.finish_reason };
    }
  }
}

async function plain() {
  const [{ message, finish_reason: finish }] = (await create(false)).choices;
  return { text: message.content, finish, tool: message.tool_calls?.[0]?.function };
}

await run({ stream, plain });

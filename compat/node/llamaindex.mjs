// LlamaIndex for TypeScript.
import { OpenAI } from '@llamaindex/openai';
import { ask, run } from './scenario.mjs';

const { model, apiKey, baseURL, fields, setting, tool } = ask;
const llm = new OpenAI({ model, apiKey, baseURL, ...fields, ...(setting === 'no-retries' && { maxRetries: 0 }) });

function chat(stream) {
  return llm.chat({
    messages: [{ role: 'user', content: ask.prompt }],
    stream,
    ...(tool && { tools: [{ metadata: tool, call: () => '' }] }),
  });
}

async function* stream() {
  for await (const { delta, raw } of await chat(true)) {
    yield { text: delta, finish: raw?.choices?.[0]?.finish_reason };
  }
}

async function plain() {
  const { message, raw } = await chat(false);
  const [call] = message.options?.toolCall ?? [];
  return { text: message.content, finish: raw.choices[0].finish_reason, tool: call && { name: call.name, arguments: call.input } };
}

await run({ stream, plain });

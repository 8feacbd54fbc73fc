// What the drivers for the Vercel AI SDK share.
import { generateText, jsonSchema, streamText, tool } from 'ai';
import { ask, run } from './scenario.mjs';

/** Runs the scenario with a model. The setting is a field of the call, such as `maxRetries`. */
export async function runWith(model) {
  const abort = new AbortController();
  const call = {
    model,
    prompt: ask.prompt,
    ...(ask.tool && { tools: { [ask.tool.name]: toolOf(ask.tool) } }),
    ...ask.fields,
    ...SETTINGS[ask.setting],
  };
  await run({
    stream: () => stream({ ...call, abortSignal: abort.signal }),
    plain: () => plain(call),
    abort: () => abort.abort(),
  });
}

const SETTINGS = {
  'no-retries': { maxRetries: 0 },
  'idempotency-key': { headers: { 'Idempotency-Key': crypto.randomUUID() } },
};

function toolOf({ description, parameters }) {
  return tool({ description, inputSchema: jsonSchema(parameters) });
}

async function* stream(call) {
  // The errors come as parts as well, so the SDK need not print them.
  for await (const part of streamText({ ...call, onError: () => {} }).stream) {
    if (part.type === 'text-delta') {
      yield { text: part.text };
    } else if (part.type === 'finish') {
      yield { finish: part.finishReason };
    } else if (part.type === 'error') {
      throw part.error;
    }
  }
}

async function plain(call) {
  const { text, finishReason, toolCalls } = await generateText(call);
  return { text, finish: finishReason, tool: toolCalls[0] && { name: toolCalls[0].toolName, arguments: toolCalls[0].input } };
}

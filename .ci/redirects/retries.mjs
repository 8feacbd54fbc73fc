// What SDKs do when the application redirects and the streaming server then answers 503 with "x-should-retry: false": how often
// they post, and whether all posts of one call have the same Idempotency-Key.
import http from 'node:http';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';

let posts = [];
let checks = 0;
const stub = http.createServer((request, response) => {
  request.resume();
  const never = { 'x-should-retry': 'false', 'Content-Type': 'application/json' };
  if (request.method === 'POST') {
    posts.push(request.headers);
    response.writeHead(303, { ...never, Location: '/events/token' }).end('{}');
  } else {
    response.writeHead(503, never).end('{"error":{"message":"draining"}}');
  }
});
await new Promise(ready => stub.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${stub.address().port}/v1`;

async function check(what, count, key, call) {
  posts = [];
  const failed = await call().then(() => false, () => true);
  const keys = new Set(posts.map(headers => headers['idempotency-key']));
  const marks = posts.slice(1).map(headers => headers['x-stainless-retry-count'] ?? '0');
  if (!failed || posts.length !== count || keys.size !== 1 || !keys.has(key) || marks.some(mark => mark !== '0')) {
    console.error(`FAILED (redirects): ${what}: ${posts.length} posts, keys ${[...keys]}, marks ${marks}`);
    process.exit(1);
  }
  checks++;
}

const prompt = 'one two';
const messages = [{ role: 'user', content: prompt }];

const openai = new OpenAI({ baseURL, apiKey: 'any' });
await check('openai', 1, undefined, () => openai.chat.completions.create({ model: 'echo', messages }));

const model = createOpenAICompatible({ name: 'handoff', baseURL, apiKey: 'any' })('echo');
const headers = () => ({ 'Idempotency-Key': 'one-key' });
await check('ai', 3, undefined, () => generateText({ model, prompt }));
await check('ai with a key', 3, 'one-key', async () => {
  await generateText({ model, prompt, headers: headers() });
});
await check('ai without retries', 1, undefined, async () => {
  await generateText({ model, prompt, maxRetries: 0 });
});

// Six retries by default, which take minutes.
const chat = maxRetries => new ChatOpenAI({ model: 'echo', apiKey: 'any', maxRetries, configuration: { baseURL } });
await check('LangChain', 2, undefined, () => chat(1).invoke(prompt));
await check('LangChain with a key', 2, 'one-key', async () => {
  await chat(1).invoke(prompt, { options: { headers: headers() } });
});
await check('LangChain without retries', 1, undefined, () => chat(0).invoke(prompt));

console.log(`redirects: ${checks} passed for retries, 0 failed`);
process.exit(0);

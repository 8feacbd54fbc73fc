// OpenAI's SDK for Node against a server that sends spaces before its answers; the base URL is the argument.
import OpenAI from 'openai';

let checks = 0;
function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (Node, spaces): ${what}`);
    process.exit(1);
  }
  checks++;
}

let posts = 0;
const client = new OpenAI({
  baseURL: process.argv[2],
  apiKey: 'any',
  fetch: (url, options) => {
    posts += options.method.toUpperCase() === 'POST' ? 1 : 0;
    return fetch(url, options);
  },
});

function ask(metadata, options) {
  posts = 0;
  const messages = [{ role: 'user', content: 'one two three four' }];
  return client.chat.completions.create({ model: 'echo', messages, metadata: { delay_ms: '300', ...metadata } }, options);
}

check('the answer is whole', (await ask({})).choices[0].message.content === 'one two three four');

// The connection breaks after the error object. The SDK has returned from its request by then, and does not repeat it.
try {
  const answer = await ask({ fail_after: '3' });
  check(`an answer that fails after spaces raises an error: ${JSON.stringify(answer)}`, false);
} catch (e) {
  check(`the error is that the connection broke: ${e}`, e instanceof TypeError && e.message === 'terminated');
}
check(`the request is sent once: ${posts}`, posts === 1);
console.log(`Node, spaces: ${checks} passed, 0 failed`);

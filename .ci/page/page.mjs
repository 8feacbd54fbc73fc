// The page of the server whose URL is the first argument. The others are: the URL of a server that needs the key "secret", the folder for
// screenshots, and the paths of Chromium and Firefox.
import net from 'node:net';
import puppeteer from 'puppeteer-core';

const server = new URL(process.argv[2]);
const guarded = process.argv[3];
const [screenshots, chromium, firefox] = process.argv.slice(4);
const words = Array.from({ length: 20 }, (_, i) => `word${i}`).join(' ');
let browserName = '';
let checks = 0;

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (page, ${browserName}): ${what}`);
    process.exit(1);
  }
  checks++;
}

// A proxy in between, whose connections can be cut.
const connections = new Set();
let refusing = false;
const proxy = net.createServer(client => {
  if (refusing) {
    client.destroy();
    return;
  }
  const upstream = net.connect(Number(server.port), server.hostname);
  const end = () => {
    connections.delete(client);
    client.destroy();
    upstream.destroy();
  };
  connections.add(client);
  for (const socket of [client, upstream]) {
    socket.on('close', end);
    socket.on('error', end);
  }
  client.pipe(upstream);
  upstream.pipe(client);
});
await new Promise(ready => proxy.listen(0, '127.0.0.1', ready));

function cut() {
  refusing = true;
  connections.forEach(c => c.destroy());
}

async function run(name, options) {
browserName = name;
refusing = false;
const browser = await puppeteer.launch(options);
const page = await browser.newPage();
page.setDefaultTimeout(30000);
page.on('pageerror', e => check(`no error in the page: ${e.message}`, false));
// The page has no field for metadata, but the echo model is to take its time. And some attempts to read the stream get another answer.
await page.evaluateOnNewDocument(() => {
  const real = window.fetch;
  window.outages = [];
  window.fetch = (resource, options = {}) => {
    if (String(resource).includes('/events/') && !options.method && window.outages.length > 0) {
      const outage = window.outages.shift();
      return Promise.resolve(new Response(outage.body, { status: outage.status, headers: { 'Content-Type': outage.type } }));
    }
    const metadata = JSON.parse(sessionStorage.getItem('metadata') || 'null');
    return options.method === 'POST' && metadata
      ? real(resource, { ...options, body: JSON.stringify({ ...JSON.parse(options.body), metadata }) })
      : real(resource, options);
  };
});

/** Sets what the requests of the page say to the echo model. */
function say(metadata) {
  return page.evaluate(m => sessionStorage.setItem('metadata', JSON.stringify(m)), metadata);
}

async function ask(text) {
  await page.type('#prompt', text);
  await page.keyboard.press('Enter');
}

function answer() {
  return page.evaluate(() => {
    const last = [...document.querySelectorAll('article.assistant')].pop();
    return { text: last.querySelector('.text').textContent.trim(), note: last.querySelector('.note')?.textContent ?? '' };
  });
}

function shows(text) {
  return page.waitForFunction(
    t => {
      const last = [...document.querySelectorAll('article')].pop();
      return last?.className === 'assistant' && last.querySelector('.text').textContent.includes(t);
    },
    {},
    text
  );
}

function done() {
  return page.waitForFunction(
    () =>
      !document.querySelector('[aria-busy]') &&
      [...document.querySelectorAll('article')].pop()?.className === 'assistant'
  );
}

function statusSays(text) {
  return page.waitForFunction(t => document.getElementById('status').textContent.includes(t), {}, text);
}

await page.goto(`http://127.0.0.1:${proxy.address().port}/`);
await page.waitForFunction(() => document.querySelectorAll('#model option').length > 0);
check('the empty page says what it is', await page.$eval('#empty', e => !e.hidden && e.textContent.includes('survives a reload')));
await say({ delay_ms: '100' });

await ask(`${words} <b>bold</b>`);
await shows('word3');
await done();
check('an answer is shown as text', (await answer()).text === `${words} <b>bold</b>`);

await ask(words);
await shows('word5');
await page.reload();
await done();
check('a reload in mid-answer loses nothing', (await answer()).text === words);

await ask(words);
await shows('word5');
cut();
await statusSays('lost');
refusing = false;
await done();
check('a cut in mid-answer loses nothing', (await answer()).text === words);

const unreachable = {
  status: 503,
  type: 'application/json',
  body: JSON.stringify({ error: { message: 'no store', type: 'server_error', param: null, code: 'store_unreachable' } }),
};
const draining = {
  status: 200,
  type: 'text/event-stream',
  body: `event: error\ndata: ${JSON.stringify({ error: { message: 'stopping', code: 'interrupted' } })}\n\n`,
};
await ask(words);
await shows('word5');
await page.evaluate(all => window.outages.push(...all), [unreachable, draining, unreachable]);
cut();
await statusSays('lost');
refusing = false;
await done();
check('an outage of the streaming server loses nothing', (await answer()).text === words);
check('and was noticed', await page.evaluate(() => window.outages.length === 0));

await ask(words);
await shows('word5');
await page.click('#stop');
await done();
const stopped = await answer();
check('an answer can be stopped', stopped.text.length < words.length);
check('one that was stopped says so', stopped.note !== '');

await say({ delay_ms: '10', fail_after: '3' });
await ask(words);
await done();
const failed = await answer();
check('an answer that fails shows what there was', failed.text === 'word0 word1 word2');
check('and does not look whole', failed.note !== '');
const said = await page.evaluate(() => ({
  notes: [...document.querySelectorAll('article')].pop().querySelectorAll('.note').length,
  error: document.getElementById('error').textContent,
  hidden: document.getElementById('error').hidden,
}));
check('the error is said once, in words', said.notes === 1 && !said.hidden && said.error.includes('after 3 words'));

await say({ delay_ms: '100', repeat: '1000' });
await ask(words);
await shows('word5');
const address = await page.evaluate(() => {
  dispatchEvent(new Event('pagehide'));
  return JSON.parse(localStorage.getItem('chat')).pending.url;
});
await page.click('#clear');
let state = 'running';
for (const limit = Date.now() + 5000; state === 'running' && Date.now() < limit; ) {
  state = (await (await fetch(`${address}/status`)).json()).state;
}
check(`a new chat stops the pending answer: ${state}`, state === 'cancelled');
check('and begins empty', (await page.$$('article')).length === 0);
await say({ delay_ms: '10' });
await ask(words);
await done();
check('and can be used', (await answer()).text === words);

await page.click('#clear');
const code = 'Title:\n\n```js\nlet a = "<b>";\n```\n\n* **one**\n* [two](https://example.org)\n\n<img src=x onerror=alert(1)>';
await page.evaluate(text => {
  document.getElementById('prompt').value = text;
  document.getElementById('ask').requestSubmit();
}, code);
await done();
const rendered = await page.evaluate(() => {
  const text = [...document.querySelectorAll('article')].pop().querySelector('.text');
  return {
    code: text.querySelector('pre code')?.textContent,
    bold: text.querySelector('li strong')?.textContent,
    link: text.querySelector('a')?.rel,
    images: text.querySelectorAll('img, script').length,
    copy: text.querySelectorAll('button').length,
  };
});
check('Markdown is shown, with a button that copies the code', rendered.code === 'let a = "<b>";\n' && rendered.bold === 'one' && rendered.copy === 1);
check('an answer adds no elements of its own', rendered.images === 0 && rendered.link === 'noopener noreferrer');

async function press(label) {
  await page.evaluate(text => {
    [...document.querySelectorAll('article .tools button')].filter(b => b.textContent === text).pop().click();
  }, label);
}

await press('Retry');
await done();
check('Retry asks again', (await page.$$('article.assistant')).length === 1);
await press('Edit');
check('Edit gives the message back', (await page.$eval('#prompt', p => p.value)) === code && (await page.$$('article')).length === 0);
await page.$eval('#prompt', p => { p.value = ''; });

await say({ delay_ms: '100' });
await page.click('#settings summary');
await page.type('#system', 'Answer briefly.');
await ask(words);
await shows('word5');
const sent = await page.evaluate(() => JSON.parse(JSON.parse(localStorage.getItem('chat')).pending.body).messages);
check('the system prompt comes first', sent[0].role === 'system' && sent[0].content === 'Answer briefly.' && sent.length === 2);
const second = await browser.newPage();
await second.goto(page.url());
const same = () => second.waitForFunction(
  t => [...document.querySelectorAll('article.assistant .text')].pop()?.textContent.includes(t) && !document.querySelector('[aria-busy]'),
  {},
  words
);
await same();
check('another tab shows the same answer', (await second.$$('article')).length === 2);
await page.bringToFront();
await done();
check('and each tab shows it once', (await answer()).text === words && (await page.$$('article')).length === 2);
await second.close();
await page.bringToFront();
const steps = await page.$eval('#steps', s => s.textContent);
check(`the panel shows the hand-off: ${steps}`, ['POST', 'redirect to /events/', 'first token', '[DONE]'].every(t => steps.includes(t)));
check('and no token', !/events\/[^…]{20}/.test(steps));

await page.goto(guarded);
await page.waitForFunction(() => !document.getElementById('error').hidden);
await page.type('#prompt', 'hello');
await page.keyboard.press('Enter');
await page.waitForFunction(() => document.getElementById('prompt').value === 'hello' && document.querySelectorAll('article').length === 0);
check('a missing key is asked for', await page.evaluate(() => document.activeElement.id === 'key'));
await page.type('#key', 'secret');
await page.$eval('#key', k => k.dispatchEvent(new Event('change')));
await page.waitForFunction(() => document.querySelectorAll('#model option').length > 0);
await page.focus('#prompt');
await page.keyboard.press('Enter');
await done();
check('and the message can be sent again', (await answer()).text === 'hello');
await page.reload();
check('the key is not kept', await page.$eval('#key', k => k.value === '' ) && (await page.evaluate(() => sessionStorage.getItem('key'))) === null);

await page.goto(server.href);
await page.click('#clear');
await say({ delay_ms: '40' });
await page.click('#trace summary');
await page.evaluate(() => {
  document.getElementById('prompt').value = 'A redirect hands the request off:\n\n```\nPOST /v1/chat/completions → 303\nGET  /events/… → text/event-stream\n```\n\nThe **streaming server** delivers the rest.';
  document.getElementById('ask').requestSubmit();
});
await done();
for (const [scheme, width, height] of [['light', 900, 700], ['dark', 420, 800]]) {
  await page.setViewport({ width, height });
  if (name === 'Chromium') {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  }
  const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  check(`the page fits into ${width} pixels`, fits);
  await page.screenshot({ path: `${screenshots}/chat-${scheme}${name === 'Chromium' ? '' : '-' + name.toLowerCase()}.png` });
}
await browser.close();
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];
await run('Chromium', { executablePath: chromium, args });
await run('Firefox', { browser: 'firefox', executablePath: firefox });
console.log(`page: ${checks} passed, 0 failed`);
proxy.close();

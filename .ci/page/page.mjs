// The page of the server whose URL is the first argument, in the browser that the second one names.
import net from 'node:net';
import puppeteer from 'puppeteer-core';

const server = new URL(process.argv[2]);
const words = Array.from({ length: 20 }, (_, i) => `word${i}`).join(' ');
let checks = 0;

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (page): ${what}`);
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

const browser = await puppeteer.launch({
  executablePath: process.argv[3],
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
});
const page = await browser.newPage();
page.setDefaultTimeout(30000);
page.on('pageerror', e => check(`no error in the page: ${e.message}`, false));

// The page has no field for it, but the answers are to take their time.
let metadata = { delay_ms: '100' };
// What the streaming server answers to the next attempts to go on, instead of the stream.
const outages = [];
await page.setRequestInterception(true);
page.on('request', request => {
  if (request.method() === 'GET' && request.url().includes('/events/') && outages.length > 0) {
    request.respond(outages.shift());
  } else if (request.method() === 'POST' && request.postData()) {
    request.continue({ postData: JSON.stringify({ ...JSON.parse(request.postData()), metadata }) });
  } else {
    request.continue();
  }
});

async function ask(text) {
  await page.type('#prompt', text);
  await page.keyboard.press('Enter');
}

function answer() {
  return page.evaluate(() => {
    const last = [...document.querySelectorAll('article.assistant')].pop();
    return { text: last.querySelector('.text').textContent, note: last.querySelector('.note')?.textContent ?? '' };
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
  contentType: 'application/json',
  headers: { 'Retry-After': '1' },
  body: JSON.stringify({ error: { message: 'no store', type: 'server_error', param: null, code: 'store_unreachable' } }),
};
const draining = {
  status: 200,
  contentType: 'text/event-stream',
  body: `event: error\ndata: ${JSON.stringify({ error: { message: 'stopping', code: 'interrupted' } })}\n\n`,
};
await ask(words);
await shows('word5');
outages.push(unreachable, draining, unreachable);
cut();
await statusSays('lost');
refusing = false;
await done();
check('an outage of the streaming server loses nothing', (await answer()).text === words);
check('and was noticed', outages.length === 0);

await ask(words);
await shows('word5');
await page.click('#stop');
await done();
const stopped = await answer();
check('an answer can be stopped', stopped.text.length < words.length);
check('one that was stopped says so', stopped.note !== '');

metadata = { delay_ms: '10', fail_after: '3' };
await ask(words);
await done();
const failed = await answer();
check('an answer that fails shows what there was', failed.text === 'word0 word1 word2 ');
check('and does not look whole', failed.note !== '');
const said = await page.evaluate(() => ({
  notes: [...document.querySelectorAll('article')].pop().querySelectorAll('.note').length,
  error: document.getElementById('error').textContent,
  hidden: document.getElementById('error').hidden,
}));
check('the error is said once, in words', said.notes === 1 && !said.hidden && said.error.includes('after 3 words'));

metadata = { delay_ms: '100', repeat: '1000' };
await ask(words);
await shows('word5');
const address = await page.evaluate(() => {
  dispatchEvent(new Event('pagehide'));
  return JSON.parse(sessionStorage.getItem('chat')).pending.url;
});
await page.click('#clear');
let state = 'running';
for (const limit = Date.now() + 5000; state === 'running' && Date.now() < limit; ) {
  state = (await (await fetch(`${address}/status`)).json()).state;
}
check(`a new chat stops the pending answer: ${state}`, state === 'cancelled');
check('and begins empty', (await page.$$('article')).length === 0);
metadata = { delay_ms: '10' };
await ask(words);
await done();
check('and can be used', (await answer()).text === words);

console.log(`page: ${checks} passed, 0 failed`);
await browser.close();
proxy.close();

// Arguments: the root of the repository, Chromium, Firefox, and the ports of the servers of ReportServer.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const [root, chromium, firefox, ...ports] = process.argv.slice(2);
const scripts = path.join(root, 'docs/browsers');
let checks = 0;
let browserName = 'documents';

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (browser): ${browserName}: ${what}`);
    process.exit(1);
  }
  checks++;
}

// A proxy in between that cuts streams, refuses, and changes the server.
let upstream = ports.shift();
let refusing = false;
let refused = 0;
let requests = []; // of streams: { last, sent }
const open = new Set();
const proxy = http.createServer((request, response) => {
  if (refusing && request.url.startsWith('/events/')) {
    refused++;
    response.writeHead(502).end();
    return;
  }
  const seen = { last: request.headers['last-event-id'] ?? '', url: request.url, sent: '' };
  if (request.method === 'GET' && /^\/events\/[^/]+$/.test(request.url)) {
    requests.push(seen);
    open.add(response);
    response.on('close', () => open.delete(response));
  }
  const { method, headers, url } = request;
  const forward = http.request({ host: '127.0.0.1', port: upstream, method, path: url, headers, agent: false }, answer => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.on('data', chunk => {
      seen.sent += chunk;
      response.write(chunk);
    });
    answer.on('end', () => response.end());
    answer.on('error', () => response.destroy());
  });
  forward.on('error', () => response.destroy());
  response.on('close', () => forward.destroy());
  request.pipe(forward);
});
await new Promise(ready => proxy.listen(0, ready));
const port = proxy.address().port;
const app = `http://127.0.0.1:${port}`;

function cut() {
  open.forEach(response => response.destroy());
}

async function until(what, condition) {
  const limit = Date.now() + 15000;
  while (!(await condition())) {
    if (Date.now() > limit) {
      check(`${what}, within 15 s`, false);
    }
    await new Promise(wait => setTimeout(wait, 20));
  }
}

function pages(topic, count) {
  return Array.from({ length: count }, (_, i) => `page ${i + 1} about ${topic}`);
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// What the documents show is what runs here.
for (const [name, block] of [
  ['README.md', /```js\n([^]*?)```/g],
  ['docs/browsers.md', /```js\n([^]*?)```/g],
]) {
  const shown = [...fs.readFileSync(path.join(root, name), 'utf8').matchAll(block)].map(match => match[1]);
  const files = fs.readdirSync(scripts).map(file => [file, fs.readFileSync(path.join(scripts, file), 'utf8')]);
  for (const text of shown) {
    check(`the script in ${name} is one of docs/browsers:\n${text}`, files.some(([, file]) => file === text));
  }
  const expected = name === 'README.md' ? ['short.js'] : files.map(([file]) => file);
  for (const [file, text] of files.filter(([file]) => expected.includes(file))) {
    check(`${name} shows ${file}`, shown.includes(text));
  }
}
check('the script of the README has at most 10 lines', fs.readFileSync(path.join(scripts, 'short.js'), 'utf8').split('\n').length <= 11);

async function run(name, options) {
  browserName = name;
  const browser = await puppeteer.launch(options);
  console.log(`browser: ${await browser.version()}`);
  const page = await browser.newPage();
  page.setDefaultTimeout(15000);
  // Firefox also reports the connections that are cut here.
  page.on('pageerror', error => check(`no error in the page: ${error.message}`, / connection to /.test(error.message)));

  const shown = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('shown')));
  const ended = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('ended')));
  const shows = count => until(`${count} pages are shown`, async () => (await shown()).length >= count);
  const ends = () => until('the report has ended', async () => (await ended()) !== null);

  // Opens the page with what it has shown before, as a page does that is reloaded.
  async function visit(origin = app, clean = true) {
    await page.goto(origin + '/');
    await page.evaluate(async clean => {
      if (clean) {
        sessionStorage.clear();
        sessionStorage.setItem('shown', '[]');
        sessionStorage.setItem('ended', 'null');
      }
      window.show = data => {
        const shown = JSON.parse(sessionStorage.getItem('shown'));
        sessionStorage.setItem('shown', JSON.stringify([...shown, data]));
      };
      window.ended = (how, data) => sessionStorage.setItem('ended', JSON.stringify([how, data]));
      window.sources = await import('/event-source.js');
      window.reader = await import('/fetch-reader.js');
    }, clean);
    requests = [];
  }

  const start = (topic, url = '/reports') => page.evaluate((url, topic) => sources.start(url, topic, show, ended), url, topic);
  const read = topic =>
    page.evaluate(topic => {
      window.controller = new AbortController();
      reader.report('/reports', topic, event => show(event.data), controller.signal).then(
        result => ended('completed', result),
        error => ended(error.name, error.message)
      );
    }, topic);

  async function wholeOf(what, topic, count, end = ['completed', `${count} pages`]) {
    await ends();
    check(`${what}: all pages are shown once: ${JSON.stringify(await shown())}`, same(await shown(), pages(topic, count)));
    check(`${what}: the end is ${end}: ${await ended()}`, same(await ended(), end));
  }

  // The script of the README
  await visit();
  const short = fs.readFileSync(path.join(scripts, 'short.js'), 'utf8');
  await page.evaluate(async text => {
    const run = Object.getPrototypeOf(async () => {}).constructor;
    window.events = await new run(`${text}; return events;`)();
  }, short);
  await until('the README: it closes at the end', () => page.evaluate(() => events.readyState === EventSource.CLOSED));
  check('the README: all pages are shown', same(await shown(), pages('rain', 3)));
  check('the README: it does not come back', requests.filter(r => r.sent.includes('completed')).length <= 2 && requests.every(r => r.last === ''));
  const [location, statusSeen] = await page.evaluate(async () => {
    const answer = await fetch('/reports', { method: 'POST', body: 'rain', redirect: 'manual' });
    return [answer.headers.get('Location'), answer.type];
  });
  check('a script cannot see where a 303 leads', location === null && statusSeen === 'opaqueredirect');

  // EventSource
  await visit();
  await start('rain');
  await wholeOf('EventSource', 'rain', 3);
  check('EventSource: one request is enough', requests.length === 1);
  check('EventSource: nothing is left to resume', !(await page.evaluate(() => sources.resume(show, ended))));

  await visit();
  await start('snow 30 50');
  await shows(5);
  await visit(app, false);
  check('EventSource: a reload finds the report', await page.evaluate(() => sources.resume(show, ended)));
  await wholeOf('EventSource, reload', 'snow', 30);
  check('EventSource, reload: it goes on after the last event', requests[0].url.includes('?last_event_id='));

  await visit();
  await start('hail 30 50');
  await shows(5);
  cut();
  await wholeOf('EventSource, cut', 'hail', 30);
  check('EventSource, cut: the browser sends Last-Event-ID', requests.length === 2 && requests[1].last !== '');

  await visit();
  await start('fog 40 50');
  await shows(5);
  refused = 0;
  refusing = true;
  cut();
  // The stream, which the browser gives up, and the status; then the stream again.
  await until('EventSource, 502: the script tries again', () => refused >= 3);
  refusing = false;
  await wholeOf('EventSource, 502', 'fog', 40);

  await visit();
  await start('sun 60 50');
  await shows(5);
  const drained = upstream;
  upstream = ports.shift();
  await new Promise(done => http.request({ host: '127.0.0.1', port: drained, path: '/drain', method: 'POST' }, done).end());
  await wholeOf('EventSource, drain', 'sun', 60);
  check('EventSource, drain: the server says interrupted', requests[0].sent.includes('event: interrupted'));
  check('EventSource, drain: the browser goes on elsewhere', requests.length === 2 && requests[1].last !== '');

  await visit();
  await start('ice 3 10 fail');
  await ends();
  check('EventSource: a failure is an end', (await ended())[0] === 'failed' && JSON.parse((await ended())[1]).code === 'handler_failed');
  check('EventSource: after a failure it does not come back', requests.length === 1);

  await visit();
  await start('wind 1000 50');
  await shows(3);
  check('EventSource: DELETE is accepted', await page.evaluate(async () => (await sources.cancel()).status === 202));
  await ends();
  check('EventSource: a cancellation is an end', (await ended())[0] === 'cancelled');

  await visit();
  await page.evaluate(() => {
    const report = { streamUrl: '/events/nonsense', statusUrl: '/events/nonsense/status', last: '' };
    sessionStorage.setItem('report', JSON.stringify(report));
    sources.resume(show, ended);
  });
  await ends();
  check('EventSource: a stream that is gone is an end', (await ended())[0] === 'gone');

  await visit(`http://localhost:${port}`);
  await start('dew', app + '/reports');
  await wholeOf('EventSource, other origin', 'dew', 3);

  // fetch
  await visit();
  await read('rain');
  await wholeOf('fetch', 'rain', 3);

  await visit();
  await read('hail 30 50');
  await shows(5);
  cut();
  await wholeOf('fetch, cut', 'hail', 30);
  check('fetch, cut: it sends Last-Event-ID', requests.length === 2 && requests[1].last !== '');

  await visit();
  await read('ice 3 10 fail');
  await ends();
  check('fetch: a failure is an error', (await ended())[0] === 'Error' && same(await shown(), pages('ice', 3)));

  await visit();
  await read('wind 1000 50');
  await shows(3);
  const [stream] = requests;
  await page.evaluate(() => controller.abort());
  await ends();
  check('fetch: it can be aborted', (await ended())[0] === 'AbortError');
  const state = await (await fetch(`${app}${stream.url}/status`)).json();
  check('fetch: leaving is not cancelling', state.state === 'running');
  await fetch(app + stream.url, { method: 'DELETE' });

  const parsed = await page.evaluate(async () => {
    const text = '\ufeff: one\r\nid: 7\r\ndata: ä\r\ndata:b\r\n\r\ndata\rdata: c: d\r\revent: x\n\nevent: y\nretry: 5\ndata:  e\n\ndata: cut';
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream({
      start(controller) {
        bytes.forEach(byte => controller.enqueue(Uint8Array.of(byte)));
        controller.close();
      },
    });
    const events = [];
    for await (const event of reader.events(body)) {
      events.push(event);
    }
    return events;
  });
  check(
    `fetch: the reader splits a stream wherever it is cut: ${JSON.stringify(parsed)}`,
    same(parsed, [
      { id: '7', type: 'message', data: 'ä\nb' },
      { id: '7', type: 'message', data: '\nc: d' },
      { id: '7', type: 'y', data: ' e' },
    ])
  );
  await browser.close();
}

await run('Chromium', {
  executablePath: chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
await run('Firefox', { browser: 'firefox', executablePath: firefox });
console.log(`browser: ${checks} passed, 0 failed`);
proxy.close();
process.exit(0);

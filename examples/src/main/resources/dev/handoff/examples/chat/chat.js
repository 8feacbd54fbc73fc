'use strict';

/*
 * An answer belongs to a request with an Idempotency-Key, so it can be asked for again at any time without being made
 * twice. What is needed for that, and what has been read so far, is kept in sessionStorage: a reload goes on from there.
 */

const API = 'api/';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
const SAVE_EVERY = 250;

const byId = id => document.getElementById(id);
const talk = byId('talk');

/* messages: {role, content, note?}; pending: {key, body, url?, lastId?, text, stopping?} or null */
let state = load();
let pendingView = null;
let abort = null;
let wakeUp = null;
let saveTimer = null;

function load() {
  try {
    return JSON.parse(sessionStorage.getItem('chat')) || { messages: [], pending: null };
  } catch (e) {
    return { messages: [], pending: null };
  }
}

function save() {
  clearTimeout(saveTimer);
  saveTimer = null;
  try {
    sessionStorage.setItem('chat', JSON.stringify(state));
  } catch (e) {
    say('This chat is too large to survive a reload.');
  }
}

function saveSoon() {
  if (saveTimer === null) {
    saveTimer = setTimeout(save, SAVE_EVERY);
  }
}

/* ---- what is shown; text is only ever set as text, never as HTML ---- */

function say(text) {
  byId('status').textContent = text;
}

function showError(text) {
  byId('error').textContent = text;
  byId('error').hidden = !text;
}

function show(message) {
  const view = document.createElement('article');
  view.className = message.role;
  const who = document.createElement('h2');
  who.textContent = message.role === 'user' ? 'You' : 'Answer';
  const text = document.createElement('p');
  text.className = 'text';
  text.textContent = message.content;
  view.append(who, text);
  talk.append(view);
  if (message.note) {
    note(view, message.note);
  }
  scroll(true);
  return view;
}

function note(view, text) {
  const line = document.createElement('p');
  line.className = 'note';
  line.textContent = text;
  view.append(line);
}

function scroll(always) {
  const box = talk.parentElement;
  if (always || box.scrollHeight - box.scrollTop - box.clientHeight < 150) {
    box.scrollTop = box.scrollHeight;
  }
}

function showButtons() {
  byId('send').disabled = state.pending !== null;
  byId('stop').disabled = state.pending === null || Boolean(state.pending.stopping);
}

/* ---- the API ---- */

function headers(more) {
  const key = byId('key').value.trim();
  return key ? { ...more, Authorization: 'Bearer ' + key } : { ...more };
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
}

/** An error that trying again will not mend. */
class Refused extends Error {}

async function refusal(response) {
  let text = '';
  try {
    const json = await response.json();
    text = (json.error && json.error.message) || json.detail || '';
  } catch (e) {
    // Not JSON: the status has to do.
  }
  return text || 'The server answered with status ' + response.status + '.';
}

async function listModels() {
  const select = byId('model');
  try {
    const response = await fetch(API + 'models', { headers: headers() });
    if (!response.ok) {
      throw new Refused(await refusal(response));
    }
    const chosen = select.value || sessionStorage.getItem('model');
    const ids = (await response.json()).data.map(m => m.id);
    select.replaceChildren(...ids.map(id => new Option(id, id, false, id === chosen)));
    showError('');
  } catch (e) {
    showError('The models could not be listed: ' + e.message);
  }
}

/** Asks for the answer, or for the rest of it. */
function open(pending, signal) {
  const last = pending.lastId ? { 'Last-Event-ID': pending.lastId } : {};
  if (pending.url) {
    return fetch(pending.url, { headers: last, cache: 'no-store', signal });
  }
  return start(pending, last, signal);
}

function start(pending, more, signal) {
  return fetch(API + 'chat/completions', {
    method: 'POST',
    headers: headers({ 'Content-Type': 'application/json', 'Idempotency-Key': '"' + pending.key + '"', ...more }),
    body: pending.body,
    signal,
  });
}

/** The address of the stream, also where a proxy has followed the redirect out of our sight. */
async function streamUrl(pending) {
  if (!pending.url) {
    const response = await start(pending, { Prefer: 'respond-async' });
    if (response.status !== 202) {
      throw new Refused(await refusal(response));
    }
    pending.url = new URL((await response.json()).streamUrl, location.href).href;
    save();
  }
  return pending.url;
}

/** Has the server stop making an answer. */
async function cancel(pending) {
  const response = await fetch(await streamUrl(pending), { method: 'DELETE', keepalive: true });
  if (!response.ok) {
    throw new Refused(await refusal(response));
  }
}

/** Reads Server-Sent Events: calls `take(type, id, data)` for each, until it returns true. */
async function readEvents(body, take) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let type = '';
  let id = '';
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    // Our streaming server ends lines with LF only.
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
      if (line === '') {
        if (data.length > 0 && take(type, id, data.join('\n'))) {
          reader.cancel().catch(() => {});
          return;
        }
        type = '';
        data = [];
      } else if (field === 'event') {
        type = text;
      } else if (field === 'id') {
        id = text;
      } else if (field === 'data') {
        data.push(text);
      }
    }
  }
}

/* ---- an answer ---- */

/** Reads until the answer ends, or the connection does. Returns whether it has ended. */
async function readAnswer(pending) {
  abort = new AbortController();
  const response = await open(pending, abort.signal);
  if (response.status === 204) {
    return true;
  }
  if (response.status === 503 || response.status === 502 || response.status === 504 || response.status === 429) {
    return false;
  }
  if (!response.ok) {
    throw new Refused(await refusal(response));
  }
  if (response.status === 202) {
    pending.url = new URL(response.headers.get('Location'), location.href).href;
    save();
    return readAnswer(pending);
  }
  if (!(response.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
    throw new Refused(await refusal(response));
  }
  if (response.redirected) {
    const url = new URL(response.url);
    // Where to go on from is said by a header, anew each time.
    url.search = '';
    pending.url = url.href;
    save();
  }
  say(pending.stopping ? 'Stopping…' : 'Answering…');
  let ended = false;
  let failed = null;
  await readEvents(response.body, (type, id, data) => {
    if (type === 'error') {
      const error = JSON.parse(data).error;
      if (error.code === 'interrupted') {
        return true;
      }
      failed = new Refused(error.message);
      return true;
    }
    pending.lastId = id || pending.lastId;
    if (data === '[DONE]') {
      ended = true;
      return true;
    }
    take(pending, JSON.parse(data));
    saveSoon();
    return false;
  });
  if (failed) {
    throw failed;
  }
  return ended;
}

function take(pending, chunk) {
  if (chunk.handoff && chunk.handoff.cancelled) {
    pending.cancelled = true;
  }
  for (const choice of chunk.choices || []) {
    const text = choice.delta && choice.delta.content;
    if (text) {
      pending.text += text;
      pendingView.querySelector('.text').textContent = pending.text;
      scroll(false);
      // It came through, so the next trouble is a new one.
      pending.pause = 0;
    }
  }
}

/** Sees an answer through: however often the connection is lost, until it has ended or is refused. */
async function seeThrough(pending) {
  pendingView = show({ role: 'assistant', content: pending.text });
  pendingView.setAttribute('aria-busy', 'true');
  showButtons();
  let trouble = '';
  pending.pause = 0;
  for (let ended = false; !ended && !trouble;) {
    try {
      ended = await readAnswer(pending);
    } catch (e) {
      if (e instanceof Refused) {
        trouble = e.message;
      }
    }
    if (state.pending === pending && !ended && !trouble) {
      await pause(pending);
    }
    if (state.pending !== pending) {
      // A new chat was begun in the meantime.
      return;
    }
  }
  finish(pending, trouble);
}

async function pause(pending) {
  pending.pause = Math.min(LONGEST_PAUSE, pending.pause ? pending.pause * 2 : FIRST_PAUSE);
  // Spread, so that not all who were cut come back at once.
  const millis = pending.pause * (0.75 + Math.random() / 2);
  say('The connection was lost and the answer is not whole yet. Connecting again in '
    + Math.max(1, Math.round(millis / 1000)) + ' s…');
  await new Promise(resolve => {
    wakeUp = resolve;
    setTimeout(resolve, millis);
  });
  wakeUp = null;
  say('Connecting again…');
}

function finish(pending, trouble) {
  const remark = trouble ? 'Failed before its end: ' + trouble : pending.cancelled ? 'Stopped.' : '';
  pendingView.removeAttribute('aria-busy');
  if (remark) {
    note(pendingView, remark);
  }
  showError(trouble);
  say(remark ? '' : 'Done.');
  scroll(true);
  state.messages.push({ role: 'assistant', content: pending.text, note: remark });
  state.pending = null;
  save();
  showButtons();
}

/* ---- what a person does ---- */

byId('ask').addEventListener('submit', event => {
  event.preventDefault();
  const prompt = byId('prompt').value;
  if (state.pending || !prompt.trim()) {
    return;
  }
  const question = { role: 'user', content: prompt };
  state.messages.push(question);
  show(question);
  byId('prompt').value = '';
  showError('');
  say('Asking…');
  state.pending = {
    key: randomKey(),
    body: JSON.stringify({
      model: byId('model').value,
      stream: true,
      messages: state.messages.map(({ role, content }) => ({ role, content })),
    }),
    text: '',
  };
  sessionStorage.setItem('model', byId('model').value);
  save();
  seeThrough(state.pending);
});

byId('prompt').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId('ask').requestSubmit();
  }
});

byId('stop').addEventListener('click', async () => {
  const pending = state.pending;
  if (!pending) {
    return;
  }
  pending.stopping = true;
  showButtons();
  say('Stopping…');
  try {
    await cancel(pending);
    if (wakeUp) {
      wakeUp();
    }
  } catch (e) {
    pending.stopping = false;
    showButtons();
    showError('The answer could not be stopped: ' + e.message);
  }
});

byId('clear').addEventListener('click', () => {
  if (state.pending) {
    // No reader is left. If this fails, the server notices that after some time by itself.
    cancel(state.pending).catch(() => {});
  }
  state = { messages: [], pending: null };
  save();
  if (abort) {
    abort.abort();
  }
  if (wakeUp) {
    wakeUp();
  }
  showButtons();
  talk.replaceChildren();
  showError('');
  say('');
  byId('prompt').focus();
});

byId('key').addEventListener('change', () => {
  sessionStorage.setItem('key', byId('key').value);
  listModels();
});

addEventListener('online', () => wakeUp && wakeUp());
addEventListener('pagehide', save);

byId('key').value = sessionStorage.getItem('key') || '';
state.messages.forEach(show);
showButtons();
listModels();
if (state.pending) {
  say('Going on with the answer…');
  seeThrough(state.pending);
} else {
  byId('prompt').focus();
}

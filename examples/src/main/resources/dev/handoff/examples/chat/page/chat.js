import { Answer } from './answer.js';
import { Conversation } from './conversation.js';
import { Server } from './server.js';
import { Trace } from './trace.js';
import { MessageView, clearMessages, say, showButtons, showError } from './view.js';

const byId = id => document.getElementById(id);

const server = new Server(() => byId('key').value.trim());
const conversation = new Conversation(restart, () => say('This chat is too large to survive a reload.'));
let answer = null;

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
}

async function listModels() {
  const select = byId('model');
  try {
    const ids = await server.models();
    const chosen = select.value || conversation.state.model;
    select.replaceChildren(...ids.map(id => new Option(id, id, false, id === chosen)));
    showError('');
  } catch (e) {
    if (e.status === 401) {
      askForKey();
    } else {
      showError('The models could not be listed: ' + e.message);
    }
  }
}

function askForKey() {
  byId('settings').open = true;
  byId('key').focus();
  showError('The server needs an API key. Enter it, and send your message again.');
}

/* ---- what is shown ---- */

function actionsOf(message, index) {
  return message.role === 'user'
    ? [{ label: 'Edit', act: () => edit(index) }]
    : [{ label: 'Retry', act: () => retry(index) }];
}

function showAll() {
  clearMessages();
  const { state } = conversation;
  state.messages.forEach((message, index) => new MessageView(message, actionsOf(message, index)));
  byId('system').value = state.system;
  showButtons(state.pending);
}

/** Shows the conversation as another tab has left it. */
function restart() {
  if (answer) {
    answer.drop();
    answer = null;
  }
  showAll();
  say('');
  if (conversation.state.pending) {
    seeThrough('Another tab has asked. Going on with the answer…');
  }
}

/* ---- an answer ---- */

/** Shows an answer until it has ended or is refused. */
async function seeThrough(said) {
  const { pending, messages } = conversation.state;
  const view = new MessageView({ role: 'assistant', content: pending.text }, actionsOf({ role: 'assistant' }, messages.length));
  view.busy(true);
  showButtons(pending);
  say(said);
  const mine = new Answer(pending, server, new Trace(), () => {
    view.grow(pending.text);
    conversation.saveSoon();
  });
  answer = mine;
  const trouble = await mine.read();
  if (mine.dropped) {
    return;
  }
  answer = null;
  if (trouble && trouble.status === 401 && !pending.text) {
    withdraw();
    return;
  }
  const remark = trouble ? 'Failed before its end: ' + trouble.message : pending.cancelled ? 'Stopped.' : '';
  view.content = pending.text;
  view.busy(false);
  if (remark) {
    view.note(remark);
  }
  conversation.end({ role: 'assistant', content: pending.text, note: remark });
  showError(trouble ? trouble.message : '');
  say(remark ? '' : 'Done.');
  showButtons(null);
}

/** Takes back a message that the server has refused for want of a key, so that it can be sent again. */
function withdraw() {
  const { messages } = conversation.state;
  byId('prompt').value = messages[messages.length - 1].content;
  conversation.cutAt(messages.length - 1);
  showAll();
  say('');
  askForKey();
}

function ask() {
  const { state } = conversation;
  const system = state.system ? [{ role: 'system', content: state.system }] : [];
  state.model = byId('model').value;
  showError('');
  conversation.begin({
    key: randomKey(),
    body: JSON.stringify({
      model: state.model,
      stream: true,
      messages: [...system, ...state.messages.map(({ role, content }) => ({ role, content }))],
    }),
    text: '',
  });
  seeThrough('Asking…');
}

/** Stops the answer that is being made, if there is one, without waiting for the server. */
function abandon() {
  const { pending } = conversation.state;
  if (answer) {
    answer.drop();
    answer = null;
  }
  if (pending) {
    // If this fails, the server notices after some time that the answer has no reader.
    server.cancel(pending).catch(() => {});
  }
}

function edit(index) {
  abandon();
  byId('prompt').value = conversation.state.messages[index].content;
  conversation.cutAt(index);
  showAll();
  byId('prompt').focus();
}

function retry(index) {
  abandon();
  conversation.cutAt(index);
  showAll();
  ask();
}

/* ---- what a person does ---- */

byId('ask').addEventListener('submit', event => {
  event.preventDefault();
  const content = byId('prompt').value;
  const { state } = conversation;
  if (state.pending || !content.trim()) {
    return;
  }
  const question = { role: 'user', content };
  state.messages.push(question);
  new MessageView(question, actionsOf(question, state.messages.length - 1));
  byId('prompt').value = '';
  ask();
});

byId('prompt').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId('ask').requestSubmit();
  }
});

byId('stop').addEventListener('click', async () => {
  const { pending } = conversation.state;
  if (!pending) {
    return;
  }
  pending.stopping = true;
  showButtons(pending);
  say('Stopping…');
  try {
    await server.cancel(pending);
    if (answer) {
      answer.retryNow();
    }
  } catch (e) {
    pending.stopping = false;
    showButtons(conversation.state.pending);
    showError('The answer could not be stopped: ' + e.message);
  }
});

byId('clear').addEventListener('click', () => {
  abandon();
  conversation.clear();
  showAll();
  showError('');
  say('');
  byId('prompt').focus();
});

byId('system').addEventListener('change', () => {
  conversation.state.system = byId('system').value.trim();
  conversation.save();
});

/* The key stays in the memory of the page, unless the user asks for more. */
function keepKey() {
  if (byId('keep-key').checked) {
    sessionStorage.setItem('key', byId('key').value);
  } else {
    sessionStorage.removeItem('key');
  }
}

byId('keep-key').addEventListener('change', keepKey);
byId('key').addEventListener('change', () => {
  keepKey();
  listModels();
});

addEventListener('online', () => answer && answer.retryNow());

byId('key').value = sessionStorage.getItem('key') || '';
byId('keep-key').checked = sessionStorage.getItem('key') !== null;
showAll();
listModels();
if (conversation.state.pending) {
  seeThrough('Going on with the answer…');
} else {
  byId('prompt').focus();
}

const byId = id => document.getElementById(id);
const talk = byId('talk');

/* Without html: true the library escapes all HTML, so an answer cannot add elements or scripts of its own. */
const markdown = window.markdownit({ linkify: true, breaks: true }).disable('image');
const link = markdown.renderer.rules.link_open || ((tokens, i, options, env, self) => self.renderToken(tokens, i, options));
markdown.renderer.rules.link_open = (tokens, i, options, env, self) => {
  tokens[i].attrSet('target', '_blank');
  tokens[i].attrSet('rel', 'noopener noreferrer');
  return link(tokens, i, options, env, self);
};

export function say(text) {
  byId('status').textContent = text;
}

export function showError(text) {
  byId('error').textContent = text;
  byId('error').hidden = !text;
}

export function showButtons(pending) {
  byId('send').disabled = Boolean(pending);
  byId('stop').disabled = !pending || Boolean(pending.stopping);
  talk.classList.toggle('busy', Boolean(pending));
}

export function button(label, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = label;
  made.addEventListener('click', () => act(made));
  return made;
}

function copyButton(label, text) {
  return button(label, async made => {
    try {
      await navigator.clipboard.writeText(text());
      made.textContent = 'Copied';
    } catch (e) {
      made.textContent = 'Not copied';
    }
    setTimeout(() => {
      made.textContent = label;
    }, 1500);
  });
}

/** Shows a message and returns its view. `actions` are the buttons besides Copy: [{label, act}]. */
export class MessageView {
  constructor(message, actions) {
    this.content = message.content;
    this.isMarkdown = message.role !== 'user';
    this.element = document.createElement('article');
    this.element.className = message.role;
    const who = document.createElement('h2');
    who.textContent = this.isMarkdown ? 'Answer' : 'You';
    this.text = document.createElement('div');
    this.text.className = 'text';
    this.tools = document.createElement('div');
    this.tools.className = 'tools';
    this.tools.append(copyButton('Copy', () => this.content));
    actions.forEach(({ label, act }) => this.tools.append(button(label, act)));
    this.element.append(who, this.text, this.tools);
    talk.append(this.element);
    byId('empty').hidden = true;
    this.render();
    if (message.note) {
      this.note(message.note);
    }
    scroll(true);
  }

  render() {
    this.frame = 0;
    if (!this.isMarkdown) {
      this.text.textContent = this.content;
      return;
    }
    this.text.innerHTML = markdown.render(this.content);
    for (const block of this.text.querySelectorAll('pre')) {
      const code = block.textContent;
      block.tabIndex = 0;
      block.before(copyButton('Copy code', () => code));
    }
  }

  /** Shows a longer text, at most once per frame. */
  grow(content) {
    this.content = content;
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.render();
        scroll(false);
      });
    }
  }

  busy(isBusy) {
    this.element.toggleAttribute('aria-busy', isBusy);
    if (isBusy) {
      this.element.setAttribute('aria-busy', 'true');
    } else {
      cancelAnimationFrame(this.frame);
      this.render();
    }
  }

  note(text) {
    const line = document.createElement('p');
    line.className = 'note';
    line.textContent = text;
    this.tools.before(line);
  }
}

export function clearMessages() {
  talk.replaceChildren();
  byId('empty').hidden = false;
}

function scroll(always) {
  const box = talk.parentElement;
  if (always || box.scrollHeight - box.scrollTop - box.clientHeight < 150) {
    box.scrollTop = box.scrollHeight;
  }
}

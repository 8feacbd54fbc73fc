const NAME = 'chat';
const SAVE_EVERY = 250;

const empty = () => ({ system: '', model: '', messages: [], pending: null });

function stored() {
  try {
    return { ...empty(), ...JSON.parse(localStorage.getItem(NAME)) };
  } catch (e) {
    return empty();
  }
}

/**
 * The conversation of this browser. All tabs share it through localStorage, so each tab shows it, and a reload continues it.
 *
 * `state` holds `messages`: [{role, content, note?}], and `pending`: the answer that is being made, or null:
 * {key, body, url?, lastId?, text, stopping?, cancelled?}.
 */
export class Conversation {
  /** `changed()` is called when another tab has changed the messages, or begun or ended an answer. `full()` is called if it cannot be stored. */
  constructor(changed, full) {
    this.state = stored();
    this.full = full;
    this.timer = null;
    addEventListener('storage', event => {
      if (event.key !== NAME && event.key !== null) {
        return;
      }
      const before = this.state;
      const now = stored();
      if (before.pending && now.pending && before.pending.key === now.pending.key) {
        // Both tabs read the same stream. Each shows what it has read itself.
        before.pending.stopping = before.pending.stopping || now.pending.stopping;
        before.pending.url = before.pending.url || now.pending.url;
        return;
      }
      this.state = now;
      changed();
    });
    addEventListener('pagehide', () => this.timer && this.save());
  }

  /** Stores the conversation. Does nothing if another tab has begun or ended an answer meanwhile. */
  save() {
    clearTimeout(this.timer);
    this.timer = null;
    try {
      localStorage.setItem(NAME, JSON.stringify(this.state));
    } catch (e) {
      this.full();
    }
  }

  /** Stores the progress of an answer soon. */
  saveSoon() {
    if (this.timer === null) {
      this.timer = setTimeout(() => {
        this.timer = null;
        const now = stored();
        if (now.pending && this.state.pending && now.pending.key === this.state.pending.key) {
          this.save();
        }
      }, SAVE_EVERY);
    }
  }

  begin(pending) {
    this.state.pending = pending;
    this.save();
  }

  /** Adds the answer to the messages, unless another tab has done so. */
  end(message) {
    const key = this.state.pending.key;
    const now = stored();
    if (!now.pending || now.pending.key !== key) {
      this.state = now;
      return;
    }
    this.state.messages.push(message);
    this.state.pending = null;
    this.save();
  }

  /** Drops the messages from an index on, and the answer that is being made. */
  cutAt(index) {
    this.state.messages.length = index;
    this.state.pending = null;
    this.save();
  }

  clear() {
    this.state.messages = [];
    this.state.pending = null;
    this.save();
  }
}

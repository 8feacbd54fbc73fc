const steps = document.getElementById('steps');
const figures = document.getElementById('figures');
const MOST_STEPS = 100;

/** Shows how one answer reaches this page: its requests, its events, and how fast they come. */
export class Trace {
  constructor() {
    steps.replaceChildren();
    figures.textContent = '';
    this.began = performance.now();
    this.first = 0;
    this.events = 0;
    this.shownAt = 0;
  }

  step(text) {
    const item = document.createElement('li');
    const seconds = ((performance.now() - this.began) / 1000).toFixed(2);
    item.textContent = seconds + ' s  ' + text;
    steps.append(item);
    while (steps.children.length > MOST_STEPS) {
      steps.firstChild.remove();
    }
    item.scrollIntoView({ block: 'nearest' });
  }

  /** Counts an event with a token. */
  event() {
    const now = performance.now();
    this.events++;
    if (!this.first) {
      this.first = now;
      this.step('first token, ' + Math.round(now - this.began) + ' ms after the message was sent');
    }
    if (now - this.shownAt > 200) {
      this.shownAt = now;
      this.show(now);
    }
  }

  show(now) {
    const seconds = (now - this.first) / 1000;
    const rate = seconds > 0.2 ? ', ' + ((this.events - 1) / seconds).toFixed(1) + ' tokens/s' : '';
    figures.textContent = '– first token after ' + Math.round(this.first - this.began) + ' ms, ' + this.events + ' events' + rate;
  }

  end(text) {
    if (this.first) {
      this.show(performance.now());
    }
    this.step(text);
  }
}

/** Returns an address without its token, which opens the stream. */
export function withoutToken(address) {
  return new URL(address, location.href).pathname.replace(/(\/events\/.{6}).+/, '$1…');
}

// Shows a report while it is made, and continues after a reload, a lost connection and a restart of the server.

const KEY = 'report';
let source;

// Starts a report. show(data) gets each page. ended(how, data) gets its end: completed, cancelled or failed; or gone if
// the server does not have it any more.
export async function start(url, topic, show, ended) {
  const response = await fetch(url, { method: 'POST', body: topic, headers: { Prefer: 'respond-async' } });
  if (response.status !== 202) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  const { streamUrl, statusUrl } = await response.json();
  const absolute = relative => new URL(relative, response.url).href;
  save({ streamUrl: absolute(streamUrl), statusUrl: absolute(statusUrl), last: '' });
  resume(show, ended);
}

// Continues the report of this tab after a reload, behind the last page that was shown. Returns whether there is one.
export function resume(show, ended) {
  const report = saved();
  if (!report) {
    return false;
  }
  const query = report.last === '' ? '' : `?last_event_id=${encodeURIComponent(report.last)}`;
  source = new EventSource(report.streamUrl + query);
  source.addEventListener('page', event => {
    show(event.data);
    report.last = event.lastEventId;
    save(report);
  });
  const end = (how, data) => {
    source.close();
    sessionStorage.removeItem(KEY);
    ended(how, data);
  };
  for (const how of ['completed', 'cancelled', 'failed']) {
    source.addEventListener(how, event => end(how, event.data));
  }
  source.addEventListener('error', async () => {
    if (source.readyState !== EventSource.CLOSED) {
      return; // the browser connects again by itself and sends Last-Event-ID
    }
    // The answer was not a stream, and the browser has given up. It does not say why, but the status of the task does.
    const status = await fetch(report.statusUrl).then(response => response.status, () => 0);
    if (status >= 400 && status < 500) {
      end('gone', '');
    } else {
      setTimeout(resume, 1000, show, ended);
    }
  });
  return true;
}

// Stops the work, for all readers. The stream then ends with cancelled.
export function cancel() {
  return fetch(saved().streamUrl, { method: 'DELETE' });
}

// Stops reading. The work goes on, and resume() continues.
export function leave() {
  source.close();
}

function save(report) {
  sessionStorage.setItem(KEY, JSON.stringify(report));
}

function saved() {
  return JSON.parse(sessionStorage.getItem(KEY));
}

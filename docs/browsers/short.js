const answer = await fetch('/reports', { method: 'POST', body: 'rain' });
const events = new EventSource(answer.url);   // the address of the stream, where the 303 led to
answer.body.cancel();
events.addEventListener('page', e => show(e.data));
for (const end of ['completed', 'cancelled', 'failed']) {
  events.addEventListener(end, () => events.close());
}

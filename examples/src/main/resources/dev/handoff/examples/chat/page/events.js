/**
 * Reads Server-Sent Events of a response, and calls `take(type, id, data)` for each, until it returns true. Returns whether it did. The
 * streaming server ends lines with LF only.
 */
export async function readEvents(body, take) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let type = '';
  let id = '';
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return false;
    }
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
      if (line === '') {
        if (data.length > 0 && take(type, id, data.join('\n'))) {
          reader.cancel().catch(() => {});
          return true;
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

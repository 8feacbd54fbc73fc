"""Writes a stream as a worker of omega-ml does: producer.py URL NAME HOW CHUNKS DELAY_MS

HOW is how it ends: stop, error, or open for not at all.
"""

import datetime
import sys
import time

import minibatch

url, name, how = sys.argv[1:4]
chunks, delay = int(sys.argv[4]), float(sys.argv[5]) / 1000

stream = minibatch.stream(name, url=url)
for i in range(chunks):
    stream.append(
        {
            "id": "chatcmpl-python",
            "object": "chat.completion.chunk",
            "created": 1777802400,
            "model": "python",
            "choices": [{"index": 0, "delta": {"content": f"wörd{i} "}, "finish_reason": None}],
            "at": datetime.datetime(2026, 5, 3, 10, 0, 0),
        }
    )
    time.sleep(delay)
if how == "error":
    try:
        raise RuntimeError("no route to mongodb://admin:hidden@db")
    except RuntimeError as e:
        stream.append({"message": repr(e), "stream_complete": "error"})
elif how == "stop":
    stream.append({"stream_complete": "stop"})
print("written", flush=True)

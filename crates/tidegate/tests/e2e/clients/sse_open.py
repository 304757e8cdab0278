"""A number of event streams held open. Says "open", then, at the end of input, once all have ended: how, whether every event came in its turn, and after how many seconds."""

import asyncio
import json
import sys
import time
from collections import Counter

HEAD = b"GET /events HTTP/1.1\r\nhost: shop.test\r\naccept: text/event-stream\r\n\r\n"


async def listen(opened):
    """Reads events until the stream's proper end: a chunk of no bytes. Anything else is a break."""
    host, port = sys.argv[1].split(":")
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(HEAD)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    text, seen = b"", False
    try:
        while size := int(await reader.readline(), 16):
            text += (await reader.readexactly(size + 2))[:-2]
            if not seen:
                seen = True
                opened.release()
        said = "ended"
    except (OSError, ValueError, asyncio.IncompleteReadError):
        said = "cut off"
    writer.close()
    whole = text == b"".join(b"data: %d\n\n" % number for number in range(text.count(b"\n\n")))
    return said if whole else "torn", time.monotonic()


async def main():
    opened = asyncio.Semaphore(0)
    streams = [asyncio.create_task(listen(opened)) for _ in range(int(sys.argv[2]))]
    for _ in streams:
        await opened.acquire()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    told = time.monotonic()
    ends = await asyncio.gather(*streams)
    closed = Counter(said for said, _ in ends)
    print(json.dumps({"closed": closed, "seconds": max(at for _, at in ends) - told}), flush=True)


asyncio.run(main())

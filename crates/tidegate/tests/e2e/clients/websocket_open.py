"""A number of WebSockets held open, each saying something all the time. Says "open", then, once all have been closed, how and after how many seconds since the line of input before."""

import asyncio
import json
import sys
import time
from collections import Counter

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def talk(opened):
    """Every message comes back, until the connection is closed; the last one may have crossed with the Close."""
    answered = 0
    async with connect(f"ws://{sys.argv[1]}/talk", ping_interval=None, open_timeout=60) as connection:
        try:
            while True:
                message = str(answered)
                await connection.send(message)
                assert await connection.recv() == message
                if answered == 0:
                    opened.release()
                answered += 1
                await asyncio.sleep(0.05)
        except ConnectionClosed as closed:
            said = closed.rcvd and f"{closed.rcvd.code} {closed.rcvd.reason}"
            return said or "cut off", time.monotonic()


async def main():
    opened = asyncio.Semaphore(0)
    talks = [asyncio.create_task(talk(opened)) for _ in range(int(sys.argv[2]))]
    for _ in talks:
        await opened.acquire()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    told = time.monotonic()
    ends = await asyncio.gather(*talks)
    closed = Counter(said for said, _ in ends)
    print(json.dumps({"closed": closed, "seconds": max(at for _, at in ends) - told}), flush=True)


asyncio.run(main())

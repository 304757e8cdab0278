"""WebSockets by `websockets`, held open and opened again when they are closed. ADDRESS HOST MANY; until the end of input."""

import asyncio
import json
import sys
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ADDRESS, HOST, MANY = sys.argv[1], sys.argv[2], int(sys.argv[3])
over = asyncio.Event()


def say(what):
    print(json.dumps(what), flush=True)


async def talk(state):
    """Until it is closed: every message must be the next one."""
    async with connect(f"ws://{HOST}/ws", host=ADDRESS.split(":")[0], port=int(ADDRESS.split(":")[1]),
                       ping_interval=5, open_timeout=30, proxy=None) as connection:
        state["instance"] = connection.response.headers["x-app-instance"]
        beats = said = heard = 0
        while True:
            message = await connection.recv()
            word, rest = message.split(" ", 1)
            if word == "beat":
                assert int(rest) == beats, message
                beats += 1
                await connection.send(f"say {said}")
                said += 1
            elif word == "say":
                assert int(rest) == heard, message
                heard += 1
                if not state["open"]:
                    state["open"] = True
                    say({"open": "socket"})
            state["messages"] += 1


async def stay(number):
    await asyncio.sleep(number * 0.01)
    while not over.is_set():
        state = {"instance": "", "open": False, "messages": 0}
        try:
            await talk(state)
        except ConnectionClosed as closed:
            how = str(closed.rcvd.code) if closed.rcvd else "cut off"
        except (OSError, AssertionError, asyncio.TimeoutError) as error:
            how = f"{type(error).__name__}: {error}"
        say({"messages": {"kind": "socket", "many": state["messages"]}})
        end = {"kind": "socket", "at": time.time(), "app": "crowd", "instance": state["instance"], "how": how}
        say({"end": {"end": end, "was_open": state["open"]}})
        await asyncio.sleep(number % 10 / 10)


async def main():
    stays = [asyncio.create_task(stay(number)) for number in range(MANY)]
    await asyncio.to_thread(sys.stdin.read)
    over.set()
    for task in stays:
        task.cancel()
    await asyncio.gather(*stays, return_exceptions=True)


asyncio.run(main())

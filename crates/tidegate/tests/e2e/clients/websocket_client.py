"""Messages of every kind through the gateway at the given address; prints what came of each as one JSON object."""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


def open_one():
    return connect(f"ws://{sys.argv[1]}/talk", max_size=4 << 20, ping_interval=None)


async def said_back(message):
    async with open_one() as connection:
        await connection.send(message)
        return await connection.recv() == message


async def many():
    """A thousand at once come back in order; a message in fragments comes back whole."""
    async with open_one() as connection:
        async def send():
            for number in range(1000):
                await connection.send(str(number))
            await connection.send(["in ", "three ", "parts"])

        sending = asyncio.create_task(send())
        answers = [await connection.recv() for _ in range(1001)]
        await sending
        return [answers[:1000] == [str(number) for number in range(1000)], answers[-1]]


async def ping():
    async with open_one() as connection:
        return await (await connection.ping(b"are you there")) < 10


async def closed_by_server():
    async with open_one() as connection:
        await connection.send("close 4001 had enough")
        try:
            await connection.recv()
        except ConnectionClosed as closed:
            return [closed.rcvd.code, closed.rcvd.reason]


async def closed_by_client():
    async with open_one() as connection:
        await connection.close(4002, "so have I")
        return connection.close_code


async def main():
    found = {
        "text": await said_back("Käse 🧀"),
        "empty": await said_back(""),
        "binary": await said_back(bytes(range(256))),
        "1 MiB of text": await said_back("x" * (1 << 20)),
        "1 MiB of bytes": await said_back(os.urandom(1 << 20)),
        "many": await many(),
        "ping": await ping(),
        "closed by the server": await closed_by_server(),
        "closed by the client": await closed_by_client(),
    }
    print(json.dumps(found))


asyncio.run(main())

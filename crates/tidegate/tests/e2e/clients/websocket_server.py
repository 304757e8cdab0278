"""Says everything back. `close CODE REASON` has it close. Says its port first, then how each connection was closed."""

import asyncio

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def talk(connection):
    try:
        async for message in connection:
            if isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await connection.close(int(code), reason)
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass  # by any other code than 1000; told below
    await connection.wait_closed()
    print(f"closed {connection.close_code} {connection.close_reason}", flush=True)


async def main():
    async with serve(talk, "127.0.0.1", 0, max_size=4 << 20, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())

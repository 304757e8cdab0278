"""gRPC streams by `grpcio`, held open and opened again when they end. ADDRESS HOST MANY; until the end of input."""

import asyncio
import json
import sys
import time

import grpc

ADDRESS, HOST, MANY = sys.argv[1], sys.argv[2], int(sys.argv[3])
CHANNELS = 5


def say(what):
    print(json.dumps(what), flush=True)


async def talk(channel, state):
    """Every message comes back before the next one is sent."""
    call = channel.stream_stream("/crowd.Talk/Talk")(wait_for_ready=False)
    number = 0
    try:
        while True:
            message = b"%d" % number
            await call.write(message)
            if number == 0:
                state["instance"] = dict(await call.initial_metadata()).get("x-app-instance", "")
            answer = await call.read()
            if answer is grpc.aio.EOF:
                return (await call.code()).name
            if answer != message:
                return f"{answer} for {message}"
            state["messages"] += 1
            if not state["open"]:
                state["open"] = True
                say({"open": "call"})
            number += 1
            await asyncio.sleep(1)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    except asyncio.InvalidStateError:
        return (await call.code()).name
    finally:
        call.cancel()


async def stay(channel, number):
    await asyncio.sleep(number * 0.01)
    while True:
        state = {"instance": "", "open": False, "messages": 0}
        how = await talk(channel, state)
        say({"messages": {"kind": "call", "many": state["messages"]}})
        end = {"kind": "call", "at": time.time(), "app": "crowd", "instance": state["instance"], "how": how}
        say({"end": {"end": end, "was_open": state["open"]}})
        await asyncio.sleep(0.2 + number % 10 / 10)


async def main():
    options = [("grpc.default_authority", HOST), ("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(ADDRESS, options=options) for _ in range(CHANNELS)]
    stays = [asyncio.create_task(stay(channels[number % CHANNELS], number)) for number in range(MANY)]
    await asyncio.to_thread(sys.stdin.read)
    for task in stays:
        task.cancel()
    await asyncio.gather(*stays, return_exceptions=True)


asyncio.run(main())

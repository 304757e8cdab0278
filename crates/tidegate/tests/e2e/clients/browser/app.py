"""A page with an event stream and a WebSocket, and a place to POST what it saw. Only the standard library is used."""

import asyncio
import base64
import hashlib
import os
import signal
import sys

VERSION = os.environ["VERSION"]
REPORT = os.environ["REPORT"]
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAGE = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html"), "rb").read()
LARGEST = 1 << 20


def head(status, *fields):
    return ("\r\n".join([f"HTTP/1.1 {status}", *fields]) + "\r\n\r\n").encode()


def whole(status, kind, body):
    return head(status, f"content-type: {kind}", f"content-length: {len(body)}") + body


async def events(writer, last):
    """Numbered, on from the last one that the browser has."""
    writer.write(head("200 OK", "content-type: text/event-stream", "transfer-encoding: chunked"))
    number = int(last) + 1 if last else 0
    while True:
        event = f"id: {number}\nretry: 200\ndata: {VERSION}\n\n".encode()
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        number += 1
        await asyncio.sleep(0.1)


def frame(opcode, payload):
    return bytes([0x80 | opcode, len(payload)]) + payload


async def heard(reader):
    """A short frame of a browser: what it is, and what it says."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    key = await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


async def websocket(reader, writer, key):
    """Says its version first, and everything back."""
    accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
    writer.write(head("101 Switching Protocols", "connection: upgrade", "upgrade: websocket",
                      f"sec-websocket-accept: {accept}"))
    writer.write(frame(1, VERSION.encode()))
    while True:
        opcode, payload = await heard(reader)
        writer.write(frame(opcode, payload))
        await writer.drain()
        if opcode == 8:
            return


def keep(body):
    """As a whole or not at all: somebody waits for it."""
    with open(REPORT + ".part", "wb") as file:
        file.write(body)
    os.rename(REPORT + ".part", REPORT)


async def answer(reader, writer):
    """Whether the connection goes on."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    length = int(fields.get("content-length", 0))
    body = await reader.readexactly(min(length, LARGEST))
    if (method, path) == ("GET", "/events"):
        return await events(writer, fields.get("last-event-id"))
    if (method, path) == ("GET", "/ws"):
        return await websocket(reader, writer, fields["sec-websocket-key"])
    if (method, path) == ("POST", "/report"):
        keep(body)
        writer.write(whole("200 OK", "text/plain", b"kept\n"))
    elif (method, path) == ("GET", "/"):
        writer.write(whole("200 OK", "text/html; charset=utf-8", PAGE))
    elif (method, path) == ("GET", "/up"):
        writer.write(whole("200 OK", "text/plain", b"up\n"))
    else:
        writer.write(whole("404 Not Found", "text/plain", b"no such page\n"))
    await writer.drain()
    return True


async def serve(reader, writer):
    try:
        while await answer(reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # whoever went away
    finally:
        writer.close()


async def main():
    await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


asyncio.run(main())
sys.exit(0)

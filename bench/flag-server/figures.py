"""Starts `tidegate flag serve`, asks it, and prints what that cost: `figures.py PROGRAM`.

What a request costs is processor time of the server, so other work on the machine shows little in it.
"""

import asyncio
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import grpc

HERE = pathlib.Path(__file__).parent
STREAMS = 1_000
CHANGES = 20
TICK = os.sysconf("SC_CLK_TCK")


def flags(number):
    """A hundred flags: bool, with a rule, or drawn; the first says which number this is."""
    made = {"number": {"state": "ENABLED", "variants": {"n": number}, "defaultVariant": "n"}}
    for index in range(99):
        flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
        if index % 3 == 1:
            flag["targeting"] = {"if": [{"ends_with": [{"var": "email"}, "@shop.example"]}, "on"]}
        if index % 3 == 2:
            flag["targeting"] = {"fractional": [["on", 20], ["off", 80]]}
        made[f"flag-{index:02}"] = flag
    return json.dumps({"flags": made})


class Server:
    """The server, and its file."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-flags-")
        self.file = pathlib.Path(self.folder.name) / "flags.json"
        self.change(0)
        command = [program, "flag", "serve", "--file", str(self.file), "--ofrep", "127.0.0.1:0", "--sync", "127.0.0.1:0"]
        environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True)
        lines = [self.process.stdout.readline().split()[-1] for _ in range(3)]
        self.http, self.sync = lines[1].removeprefix("http://"), lines[2]

    def change(self, number):
        """Other flags, put in the place of those there. When they were."""
        beside = self.file.with_suffix(".new")
        beside.write_text(flags(number))
        at = time.perf_counter()
        os.rename(beside, self.file)
        return at

    def spent(self):
        """Seconds of processor time."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self):
        self.process.terminate()
        self.process.wait()


def load(server, path):
    """Requests, what each cost the server in seconds, and those a second."""
    before = server.spent()
    command = ["wrk", "-t1", "-c16", "-d8s", "-s", str(HERE / "post.lua"), f"http://{server.http}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    requests = int(re.search(r"(\d+) requests in", said)[1])
    rate = float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
    return requests, (server.spent() - before) / requests, rate


async def event_streams(server, heard):
    """Opens them; each says when it hears of something."""
    import urllib.request

    request = urllib.request.Request(f"http://{server.http}/ofrep/v1/evaluate/flags", data=b"{}", method="POST")
    answer = json.load(urllib.request.urlopen(request))
    path = answer["eventStreams"][0]["endpoint"]["requestUri"]
    host, port = server.http.split(":")

    async def follow():
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        await reader.readuntil(b"retry: 1000\n\n")
        ready.release()
        while True:
            if (await reader.readline()).startswith(b"data: "):
                heard.append(time.perf_counter())

    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(follow()) for _ in range(STREAMS)]
    for _ in tasks:
        await ready.acquire()
    return tasks


async def sync_streams(server, heard):
    """The same over gRPC, a hundred on a connection."""
    channels = [grpc.aio.insecure_channel(server.sync, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(STREAMS // 100)]
    calls = [channel.unary_stream("/flagd.sync.v1.FlagSyncService/SyncFlags") for channel in channels]

    async def follow(call):
        stream = call(b"")
        await stream.read()
        ready.release()
        while True:
            if await stream.read() is grpc.aio.EOF:
                return
            heard.append(time.perf_counter())

    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(follow(calls[index % len(calls)])) for index in range(STREAMS)]
    for _ in tasks:
        await ready.acquire()
    return tasks


async def changes(server, open_streams):
    """Milliseconds from a change of the file until a client has it: the middle, and the 99th of 100."""
    heard, late = [], []
    tasks = await open_streams(server, heard)
    for number in range(1, CHANGES + 1):
        heard.clear()
        at = server.change(number)
        until = at + 10
        while len(heard) < STREAMS:
            assert time.perf_counter() < until, f"{len(heard)} of {STREAMS} heard of it"
            await asyncio.sleep(0.005)
        late += [(when - at) * 1e3 for when in heard]
    for task in tasks:
        task.cancel()
    late.sort()
    return late[len(late) // 2], late[int(len(late) * 0.99)]


def main():
    server = Server(sys.argv[1])
    kept = []

    def row(what, measured, promised, holds):
        kept.append(holds)
        print(f"{what}\t{measured}\t{promised}\t{'yes' if holds else 'NO'}")

    try:
        print("what\tmeasured\tpromised\tholds")
        _, cost, rate = load(server, "/ofrep/v1/evaluate/flags/flag-01")
        row("one flag", f"{1 / cost:,.0f} per core and second ({rate:,.0f}/s here)", "50,000", 1 / cost >= 50_000)
        _, cost, _ = load(server, "/ofrep/v1/evaluate/flags")
        row("100 flags", f"{cost * 1e6:.0f} µs", "100 µs", cost <= 100e-6)
        for what, streams in [("event streams", event_streams), ("sync streams", sync_streams)]:
            middle, worst = asyncio.run(changes(server, streams))
            row(f"a change, {STREAMS} {what}", f"p50 {middle:.0f} ms, p99 {worst:.0f} ms", "p99 50 ms", worst <= 50)
    finally:
        server.end()
    sys.exit(0 if all(kept) else 1)


main()

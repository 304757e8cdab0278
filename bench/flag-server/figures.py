"""Starts `tidegate flag serve`, asks it, and prints what that cost: `figures.py PROGRAM`.

What a request costs is processor time of the server, so other work on the machine shows little in it.
"""

import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

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


def event_stream(server):
    """What opens an event stream."""
    request = urllib.request.Request(f"http://{server.http}/ofrep/v1/evaluate/flags", data=b"{}", method="POST")
    path = json.load(urllib.request.urlopen(request))["eventStreams"][0]["endpoint"]["requestUri"]
    return server.http, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


def sync_stream(server):
    """What opens a stream of flagd's sync: HTTP/2 by hand, with windows that never close."""

    def frame(kind, flags, stream, body):
        return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body

    def field(name, value):
        return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value

    head = [
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/flagd.sync.v1.FlagSyncService/SyncFlags"),
        (b":authority", b"x"), (b"content-type", b"application/grpc"), (b"te", b"trailers"),
    ]
    most = (1 << 31) - 1
    opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"\x00\x04" + most.to_bytes(4, "big"))
    opening += frame(8, 0, 0, (most - 65_535).to_bytes(4, "big")) + frame(4, 1, 0, b"")
    opening += frame(1, 4, 1, b"".join(field(*pair) for pair in head)) + frame(0, 1, 1, bytes(5))
    return server.sync, opening


def changes(server, address, opening):
    """Milliseconds from a change of the file until a client has the first of it: the middle, and the 99th of 100. And those
    of processor time that a change costs the server."""
    host, port = address.split(":")
    poll, clients = select.epoll(), {}
    for _ in range(STREAMS):
        client = socket.create_connection((host, int(port)))
        client.sendall(opening)
        client.setblocking(False)
        clients[client.fileno()] = client
        poll.register(client, select.EPOLLIN)
    late, spent = [], server.spent()
    for number in range(1, CHANGES + 1):
        quiet(poll, clients)
        waited = set(clients)
        at = server.change(number)
        while waited:
            ready = poll.poll(10)
            assert ready, f"{len(waited)} of {STREAMS} did not hear of it"
            when = (time.perf_counter() - at) * 1e3
            for one, _ in ready:
                clients[one].recv(1 << 20)
                if one in waited:
                    waited.discard(one)
                    late.append(when)
    quiet(poll, clients)
    spent = (server.spent() - spent) * 1e3 / CHANGES
    for client in clients.values():
        client.close()
    late.sort()
    return late[len(late) // 2], late[int(len(late) * 0.99)], spent


def quiet(poll, clients):
    """Reads until nothing more comes."""
    while ready := poll.poll(0.3):
        for one, _ in ready:
            assert clients[one].recv(1 << 20), "the server closed a stream"


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
        for what, stream in [("event streams", event_stream), ("sync streams", sync_stream)]:
            middle, worst, spent = changes(server, *stream(server))
            measured = f"p50 {middle:.0f} ms, p99 {worst:.0f} ms, {spent:.0f} ms of processor time"
            row(f"a change, {STREAMS} {what}", measured, "p99 50 ms", worst <= 50)
    finally:
        server.end()
    sys.exit(0 if all(kept) else 1)


main()

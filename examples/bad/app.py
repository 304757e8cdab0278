"""A small web app whose faults are chosen by the variable BEHAVIOUR.

Only the standard library is used. `good` never loses a request: HTTP/1.1 keep-alive, a thread for each connection, and
a SIGTERM that lets every request in flight finish. See README.md for the behaviours.
"""

import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

BEHAVIOUR = os.environ.get("BEHAVIOUR", "good")
VERSION = os.environ.get("VERSION", "1")
PORT = int(os.environ.get("PORT", "8000"))
DRAIN_SECONDS = float(os.environ.get("DRAIN_SECONDS", "25"))
SLOW_START_SECONDS = float(os.environ.get("SLOW_START_SECONDS", "8"))
EXIT_AFTER_SECONDS = float(os.environ.get("EXIT_AFTER_SECONDS", "5"))
ERROR_PERCENT = float(os.environ.get("ERROR_PERCENT", "0"))
ERROR_PATH = os.environ.get("ERROR_PATH", "/")
ERROR_STATUS = int(os.environ.get("ERROR_STATUS", "500"))
BAD_FLAG = os.environ.get("BAD_FLAG")
SLOW_PERCENT = float(os.environ.get("SLOW_PERCENT", "0"))
SLOW_MS = float(os.environ.get("SLOW_MS", "50"))
PRICE = os.environ.get("PRICE", "10")
OUTAGE_FILE = os.environ.get("OUTAGE_FILE")
ONE_BAD_FILE = os.environ.get("ONE_BAD_FILE")
LARGEST_BODY = 64 << 20
LONGEST_SLEEP_MS = 60_000
IDLE_SECONDS = 120
ENDINGS = {signal.SIGTERM, signal.SIGINT}

draining = threading.Event()


def say(text):
    """One line of output, in one write so that lines of threads do not mix."""
    os.write(1, f"bad[{os.getpid()}]: {text}\n".encode())


class SeenLog:
    """Appends the id of every request handled to a file of this process in the folder SEEN_LOG."""

    def __init__(self, folder):
        name = f"seen-{os.getpid()}-{time.time_ns()}.log"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.file = os.open(os.path.join(folder, name), flags, 0o644) if folder else None

    def add(self, request_id):
        if self.file is not None and request_id:
            os.write(self.file, request_id.encode("ascii", "replace") + b"\n")


class Connections:
    """The open connections and which of them have a request in flight, so that a drain can close the idle ones."""

    def __init__(self):
        self.lock = threading.Lock()
        self.idle = set()
        self.open = 0

    def opened(self, connection):
        with self.lock:
            self.open += 1
            self.idle.add(connection)

    def closed(self, connection):
        with self.lock:
            self.open -= 1
            self.idle.discard(connection)

    def busy(self, connection):
        with self.lock:
            self.idle.discard(connection)

    def rested(self, connection):
        with self.lock:
            self.idle.add(connection)

    def close_idle(self):
        """Ends idle connections for reading only: a request that has just come in is still answered."""
        with self.lock:
            for connection in self.idle:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    pass

    def count(self):
        with self.lock:
            return self.open


connections = Connections()


def chance(percent):
    return percent > 0 and random.random() * 100 < percent


def is_the_bad_one():
    """Whether this process is the first that finds no ONE_BAD_FILE: of several instances one."""
    if not ONE_BAD_FILE:
        return False
    try:
        os.close(os.open(ONE_BAD_FILE, os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        return False
    return True


def fails(path):
    """Whether this request goes wrong."""
    if the_bad_one and chance(50):
        return True
    if BEHAVIOUR == "answers-500" or (OUTAGE_FILE and os.path.exists(OUTAGE_FILE) and chance(30)):
        return True
    return path.startswith(ERROR_PATH) and chance(ERROR_PERCENT)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bad"
    sys_version = ""
    wbufsize = -1  # head and body leave in one write
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def setup(self):
        super().setup()
        connections.opened(self.connection)

    def finish(self):
        try:
            super().finish()
        finally:
            connections.closed(self.connection)

    def parse_request(self):
        connections.busy(self.connection)
        return super().parse_request()

    def handle_one_request(self):
        super().handle_one_request()
        connections.rested(self.connection)
        if draining.is_set():
            self.close_connection = True

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        body = self.read_body()
        if body is not None:
            self.answer(body)

    def read_body(self):
        length = self.headers.get("Content-Length")
        if length is None and "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks()
        if length is None or not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self.reply(411 if length is None else 413, b"a body needs a length, at most 64 MiB\n")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True  # the client went away in the middle of its body
            return None
        return body

    def read_chunks(self):
        parts, total = [], 0
        while True:
            try:
                size = int(self.rfile.readline(64).split(b";")[0], 16)
            except ValueError:
                size = -1
            total += size
            if size < 0 or total > LARGEST_BODY:
                self.close_connection = True
                self.reply(400, b"bad chunk\n")
                return None
            if size == 0:
                while self.rfile.readline(4096).strip():
                    pass  # trailers
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def answer(self, body):
        url = urlsplit(self.path)
        seen_log.add(self.headers.get("x-load-id"))
        if url.path != "/up" and chance(SLOW_PERCENT):
            time.sleep(SLOW_MS / 1000)
        if url.path == "/up":
            self.reply_up()
        elif fails(url.path) or self.has_bad_flag():
            say("error: the price list has no entry for this country")
            self.reply(ERROR_STATUS, b"it broke\n")
        elif url.path == "/":
            self.reply(200, f"hello from version {VERSION}\n".encode())
        elif url.path == "/version":
            self.reply(200, VERSION.encode() + b"\n")
        elif url.path == "/price":
            price = json.dumps({"price": PRICE, "at": time.time_ns()})
            self.reply(200, price.encode(), kind="application/json")
        elif url.path == "/flags":
            self.reply(200, self.headers.get("tidegate-flags", "").encode() + b"\n")
        elif url.path == "/echo":
            self.reply(200, body, {"x-body-length": str(len(body))})
        elif url.path == "/slow":
            self.reply_slow(parse_qs(url.query))
        elif url.path.startswith("/bytes/"):
            self.reply_bytes(url.path.removeprefix("/bytes/"))
        else:
            self.reply(404, b"no such page\n")

    def has_bad_flag(self):
        """Whether the gateway says that this user has the variant of a flag that is broken here."""
        given = self.headers.get("tidegate-flags", "")
        return BAD_FLAG is not None and BAD_FLAG in (flag.strip() for flag in given.split(","))

    def reply_up(self):
        if BEHAVIOUR == "never-ready":
            self.reply(503, b"still waiting for the search index\n")
        else:
            self.reply(200, b"up\n")

    def reply_slow(self, query):
        wish = query.get("ms", ["1000"])[0]
        if not wish.isdigit():
            self.reply(400, b"ms is a number\n")
            return
        time.sleep(min(int(wish), LONGEST_SLEEP_MS) / 1000)
        self.reply(200, b"slept\n")

    def reply_bytes(self, wish):
        if wish.isdigit() and int(wish) <= LARGEST_BODY:
            self.reply(200, b"x" * int(wish))
        else:
            self.reply(400, b"at most 64 MiB\n")

    def reply(self, status, body, headers=None, kind="application/octet-stream"):
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-app-version", VERSION)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if draining.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # no line per request: output is capped and belongs to what goes wrong


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def drain(server):
    """Answers what has been accepted or waits to be, then returns."""
    draining.set()
    time.sleep(0.1)  # whoever connected before the signal is still accepted
    server.shutdown()
    deadline = time.monotonic() + DRAIN_SECONDS
    while connections.count() and time.monotonic() < deadline:
        connections.close_idle()
        time.sleep(0.02)


def serve(port):
    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    say(f"version {VERSION} ({BEHAVIOUR}) listens on 127.0.0.1:{server.server_port}")
    while signal.sigwait(ENDINGS) == signal.SIGTERM and BEHAVIOUR == "ignores-sigterm":
        say("got SIGTERM and carries on")
    drain(server)
    say("stopped")


def exit_soon():
    time.sleep(EXIT_AFTER_SECONDS)
    say("error: lost the connection to the database: password expired")
    os._exit(3)


def fill_output():
    line = b"debug: " + b"spam " * 200 + b"\n"
    while True:
        os.write(1, line)


def leak_memory():
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 8))
        time.sleep(0.02)


def fork_children():
    """One child in the same group, one in a session of its own, and a grandchild whose parent has gone."""
    sleep = ["sleep", "987654"]
    subprocess.Popen(sleep)
    subprocess.Popen(sleep, start_new_session=True)
    subprocess.run(["setsid", "sh", "-c", "sleep 987654 & exit 0"], check=True)
    say("started three children")


def in_background(work):
    threading.Thread(target=work, daemon=True).start()


def main():
    port = PORT
    if BEHAVIOUR == "forks-children":
        fork_children()
    elif BEHAVIOUR == "slow-start":
        time.sleep(SLOW_START_SECONDS)
    # Taken by sigwait alone: a handler may run while the main thread holds the very lock it needs.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    if BEHAVIOUR == "exits-at-once":
        sys.exit("bad: error: DATABASE_URL is not set")
    elif BEHAVIOUR == "exits-after-5s":
        in_background(exit_soon)
    elif BEHAVIOUR == "wrong-port":
        port = 0
    elif BEHAVIOUR == "fills-its-output":
        in_background(fill_output)
    elif BEHAVIOUR == "memory-leak":
        in_background(leak_memory)
    serve(port)


the_bad_one = is_the_bad_one()
seen_log = SeenLog(os.environ.get("SEEN_LOG"))

if __name__ == "__main__":
    main()

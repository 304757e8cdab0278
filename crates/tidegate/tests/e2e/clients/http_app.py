"""An HTTP/1.1 app: sums up what it gets, hands out a large file slowly if asked, tells events. Says its port first."""

import hashlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BLOCK = bytes(range(256)) * 256


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        digest, length = hashlib.sha256(), 0
        for part in self.parts():
            digest.update(part)
            length += len(part)
        self.answer(200, f"{length} {digest.hexdigest()}".encode())

    do_POST = do_PUT

    def do_GET(self):
        query = dict(pair.split("=") for pair in urlsplit(self.path).query.split("&") if pair)
        if self.path.startswith("/events"):
            self.events()
        elif self.path.startswith("/blocks"):
            self.blocks(int(query["many"]), float(query.get("pause", 0)))
        else:
            self.answer(200, b"here")

    def blocks(self, many, pause):
        self.send_response(200)
        self.send_header("content-length", str(many * len(BLOCK)))
        self.end_headers()
        for _ in range(many):
            self.wfile.write(BLOCK)
            time.sleep(pause)

    def events(self):
        """One every 0.2 s, chunked, until nobody listens."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        number = 0
        try:
            while True:
                event = f"data: {number}\n\n".encode()
                self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
                number += 1
                time.sleep(0.2)
        except OSError:
            self.close_connection = True

    def parts(self):
        """The body, by its length or by its chunks."""
        if "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left:
                part = self.rfile.read(min(left, 1 << 16))
                if not part:
                    raise ConnectionError("the body ended early")
                left -= len(part)
                yield part
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, *_args):
        """Clients that went away are nothing to tell of."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*_args)


server = Server(("127.0.0.1", 0), App)
print(server.server_address[1], flush=True)
server.serve_forever()

"""Two services in one file: `web` calls `api` twice for each request and says which versions it met.

What matters is one line: `tidegate-lane` of the request that came goes with the requests that are made on account of it.
Only the standard library is used. `x-app-version` of an answer is the version of `web`, then those of `api`: `2-2-2`.
"""

import http.client
import http.server
import os
import random
import signal
import sys
import time

ROLE = sys.argv[1]
VERSION = os.environ.get("VERSION", "1")
GATEWAY = os.environ.get("GATEWAY", "127.0.0.1:8080")
ERROR_PERCENT = float(os.environ.get("API_ERROR_PERCENT", "0"))
BETWEEN_SECONDS = float(os.environ.get("BETWEEN_SECONDS", "0.05"))


def ask_api(lane):
    """Asks `api` through the gateway, on the lane of the request that this is on account of."""
    fields = {"Host": "api.train.localhost", "Connection": "close"}
    if lane:
        fields["tidegate-lane"] = lane
    connection = http.client.HTTPConnection(GATEWAY, timeout=10)
    try:
        connection.request("GET", "/", headers=fields)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("x-app-version", "none")
    finally:
        connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self):
        if self.path == "/up":
            self.reply(200, VERSION)
        elif ROLE == "api":
            self.reply(500 if random.random() * 100 < ERROR_PERCENT else 200, VERSION)
        else:
            self.reply_web(self.headers.get("tidegate-lane"))

    def reply_web(self, lane):
        first, one = ask_api(lane)
        time.sleep(BETWEEN_SECONDS)
        second, other = ask_api(lane)
        self.reply(max(first, second), f"{VERSION}-{one}-{other}")

    def reply(self, status, version):
        body = version.encode() + b"\n"
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-app-version", version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main():
    # By the time of the signal no request is in flight: the gateway has drained this instance.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()


if __name__ == "__main__":
    main()

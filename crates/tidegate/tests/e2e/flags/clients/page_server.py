"""Serves the page and the packages it imports, and prints what it reports: `page_server.py PACKAGES`. Says its port first."""

import http.server
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
PACKAGES = pathlib.Path(sys.argv[1])
TYPES = {".html": "text/html", ".js": "text/javascript"}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        file = PACKAGES / path.removeprefix("/packages/") if path.startswith("/packages/") else HERE / path[1:]
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("content-type", TYPES.get(file.suffix, "text/plain"))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        print(self.rfile.read(int(self.headers["content-length"])).decode(), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

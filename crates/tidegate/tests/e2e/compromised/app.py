"""An app that lets its port be shared, as far as the kernel lets anybody."""
import http.server
import os
import socket


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


print("of the victim", flush=True)
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()

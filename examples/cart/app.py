"""Shows a cart, old or new, and how many items a page has. Without a flag server it serves what the code says."""

import json
import os
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Flags:
    """The least that asks for flags over OFREP. A real app has an OpenFeature client instead; the calls look the same."""

    def __init__(self, url):
        self.url = url

    def _evaluate(self, key, default, user):
        context = {"targetingKey": user, "email": user}
        body = json.dumps({"context": context}).encode()
        request = urllib.request.Request(
            f"{self.url}/ofrep/v1/evaluate/flags/{key}", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=0.5) as answer:
                return json.load(answer).get("value", default)
        except (OSError, ValueError):
            return default

    get_boolean_value = get_integer_value = get_string_value = _evaluate


flags = Flags(os.environ.get("FLAGS", "http://127.0.0.1:8016"))


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path)
        user = urllib.parse.parse_qs(path.query).get("user", ["somebody"])[0]
        self.answer("up" if path.path == "/up" else self.page(user))

    def page(self, user):
        cart = "the new cart" if flags.get_boolean_value("new-cart", False, user) else "the cart"
        size = flags.get_integer_value("page-size", 10, user)
        label = flags.get_string_value("price-label", "Price", user)
        return f"{cart}, {size} items on a page, {label}\n"

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()

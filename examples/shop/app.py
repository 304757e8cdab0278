"""Shows what there is to buy, and an old or a new cart. Without a flag server it shows the old one."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def price(cents):
    return f"{cents // 100}.{cents % 100:02}"


class Flags:
    """The least that asks for flags over OFREP. A real app has an OpenFeature client instead; the call looks the same."""

    def get_boolean_value(self, key, default):
        url = f"{os.environ['FLAGS']}/ofrep/v1/evaluate/flags/{key}"
        request = urllib.request.Request(url, b'{"context": {}}', {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=0.5) as answer:
                return json.load(answer).get("value", default)
        except (OSError, ValueError):
            return default


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer("up\n" if self.path == "/up" else self.page())

    def page(self):
        cart = "the new cart" if Flags().get_boolean_value("new-cart", False) else "the cart"
        with open("goods.json") as catalogue:
            goods = [f"{one['name']} {price(one['cents'])}\n" for one in json.load(catalogue)]
        return "".join(goods) + f"{cart}\n"

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()

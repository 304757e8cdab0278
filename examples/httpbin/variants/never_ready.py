"""Listens, and answers the probe with 503 for ever."""

from serving import *  # noqa: F403: a variant is the real configuration and one fault


def post_worker_init(worker):
    app = worker.wsgi

    def waiting(environ, start_response):
        if environ["PATH_INFO"] != "/status/200":
            return app(environ, start_response)
        start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"still waiting for the search index\n"]

    worker.wsgi = waiting

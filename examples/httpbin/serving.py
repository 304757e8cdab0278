"""How gunicorn serves httpbin. The files in variants/ start from this one and break it."""

import os

wsgi_app = "httpbin:app"
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = 1
worker_class = "gthread"  # threads keep connections open between requests; the sync worker does not
threads = 16
keepalive = 75  # longer than the gateway keeps an idle connection, so it is the gateway that closes it
graceful_timeout = 30  # SIGTERM lets requests in flight finish
backlog = 1024
control_socket_disable = True  # HOME may not be writable

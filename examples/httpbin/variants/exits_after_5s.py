"""Passes its probe, then exits with 3 after five seconds."""

import os
import sys
import threading

from serving import *  # noqa: F403: a variant is the real configuration and one fault


def when_ready(server):
    def give_up():
        print("error: lost the connection to the cache at 10.0.0.7:6379, giving up", file=sys.stderr, flush=True)
        os._exit(3)

    timer = threading.Timer(5, give_up)
    timer.daemon = True
    timer.start()

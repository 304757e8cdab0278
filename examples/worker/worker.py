"""A worker without a port: does a piece of work every second and finishes the one in hand when it is told to stop."""

import os
import signal
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

queue = os.environ.get("QUEUE", "dev")
pause = float(os.environ.get("PAUSE_SECONDS", "1"))
done = 0
print(f"worker on queue {queue} begins", flush=True)
while not stop.wait(pause):
    done += 1
    print(f"worker on queue {queue}: {done} done", flush=True)
print(f"worker on queue {queue} stops after {done}", flush=True)

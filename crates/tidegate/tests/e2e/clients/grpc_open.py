"""A number of streams held open: one message and its answer each, "open", and as many again for each line of input. Prints what became of them at the end of input."""

import json
import queue
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1])


class Stream:
    def __init__(self):
        self.ask = queue.Queue()
        self.call = channel.stream_stream("/test.Echo/Talk")(iter(self.ask.get, None), timeout=120)

    def turn(self, word):
        self.ask.put(word)
        return next(self.call) == b"heard " + word

    def end(self):
        self.ask.put(None)
        return next(self.call, "end") == "end" and self.call.code() is grpc.StatusCode.OK


def outcome(turn):
    try:
        return "OK" if turn() else "another answer"
    except grpc.RpcError as error:
        return error.code().name


def tally(outcomes):
    outcomes = list(outcomes)
    return {name: outcomes.count(name) for name in set(outcomes)}


streams = [Stream() for _ in range(int(sys.argv[2]))]
found = [tally(outcome(lambda: stream.turn(b"first")) for stream in streams)]
print("open", flush=True)
for _line in sys.stdin:
    found.append(tally(outcome(lambda: stream.turn(b"again")) for stream in streams))
found.append(tally(outcome(stream.end) for stream in streams))
print(json.dumps(found), flush=True)

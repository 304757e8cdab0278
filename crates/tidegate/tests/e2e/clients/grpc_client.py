"""Every kind of call through the gateway at the given address; prints what came of each as one JSON object."""

import json
import sys
import time

import grpc

channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.max_receive_message_length", 8 << 20)])
unary, up = channel.unary_unary, channel.stream_unary
down, both = channel.unary_stream, channel.stream_stream


def outcome(call):
    """The status a call ends with, and what was said about it."""
    try:
        call()
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return ["OK", ""]


def chosen(metadata, *names):
    found = {key: value for key, value in metadata if key in names}
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in found.items()}


def metadata():
    sent = [("x-word", "tide"), ("x-raw-bin", bytes(range(256)))]
    answer, call = unary("/test.Echo/Echo").with_call(b"hello", metadata=sent, timeout=20)
    assert call.code() is grpc.StatusCode.OK
    first = chosen(call.initial_metadata(), "x-first")
    last = chosen(call.trailing_metadata(), "x-last", "x-raw-bin")
    return [answer.decode(), first, last]


def turns():
    """Each message is sent once the one before is answered: both directions are open at a time."""
    answers = []
    more = iter(range(1, 20))

    def messages():
        yield b"0"
        for number in more:
            while len(answers) < number:
                time.sleep(0.001)
            yield b"%d" % number

    for answer in both("/test.Echo/Talk")(messages(), timeout=20):
        answers.append(answer.decode())
    return [len(answers), answers[0], answers[-1]]


def numbers():
    call = down("/test.Echo/Numbers")(b"1000", timeout=20)
    whole = [int(answer) for answer in call] == list(range(1000))
    return [whole, chosen(call.trailing_metadata(), "x-last")]


def late():
    call = down("/test.Echo/FailLate")(b"", timeout=20)
    return [next(call).decode(), outcome(lambda: next(call))]


def refused():
    try:
        unary("/test.Echo/Fail")(b"", timeout=20)
    except grpc.RpcError as error:
        return [error.code().name, error.details(), chosen(error.trailing_metadata(), "x-why")]


def deadline():
    begun = time.monotonic()
    status = outcome(lambda: unary("/test.Echo/Wait")(b"", timeout=0.5))[0]
    return [status, 0.4 < time.monotonic() - begun < 5]


def remaining():
    return 5 < float(unary("/test.Echo/Remaining")(b"", timeout=10)) < 11


def cancelled():
    """The server hears of a call that its client gave up, besides the one whose deadline passed."""
    before = told("Waited")
    call = unary("/test.Echo/Wait").future(b"")
    told("Waited", before + 1)
    call.cancel()
    return told("Cancelled", 2)


def told(what, least=0):
    """A count of the server's, waited for until it is so high."""
    until = time.monotonic() + 10
    while (count := int(unary("/test.Echo/" + what)(b"", timeout=10))) < least and time.monotonic() < until:
        time.sleep(0.01)
    return count


def large():
    return len(unary("/test.Echo/Echo")(b"x" * (3 << 20), timeout=20))


print(json.dumps({
    "metadata": metadata(),
    "client stream": up("/test.Echo/Count")((b"x" * 1000 for _ in range(300)), timeout=20).decode(),
    "server stream": numbers(),
    "both streams": turns(),
    "large": large(),
    "error": refused(),
    "error after messages": late(),
    "unknown method": outcome(lambda: unary("/test.Echo/None")(b"", timeout=20))[0],
    "deadline": deadline(),
    "deadline is told": remaining(),
    "cancelled": cancelled(),
}))

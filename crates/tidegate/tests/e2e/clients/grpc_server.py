"""A gRPC service without generated code: messages are plain bytes. Says its port, then serves until it is killed."""

import time
from concurrent import futures

import grpc

waited = 0
cancelled = 0


def note_cancelled():
    global cancelled
    cancelled += 1


def echo(request, context):
    """The request in capitals; what was sent beside it comes back before and after the answer."""
    sent = dict(context.invocation_metadata())
    context.send_initial_metadata([("x-first", sent.get("x-word", "none"))])
    context.set_trailing_metadata([("x-last", sent.get("x-word", "none")), ("x-raw-bin", sent.get("x-raw-bin", b""))])
    return request.upper()


def count(requests, _context):
    messages = list(requests)
    return b"%d messages, %d bytes" % (len(messages), sum(map(len, messages)))


def numbers(request, context):
    context.set_trailing_metadata([("x-last", "counted")])
    for number in range(int(request)):
        yield b"%d" % number


def talk(requests, _context):
    """Answers each message before the next one comes."""
    for request in requests:
        yield b"heard " + request


def wait(_request, context):
    """Until the client goes; how long it would have waited was told by the deadline."""
    global waited
    context.add_callback(note_cancelled)
    waited += 1
    while context.is_active():
        time.sleep(0.01)
    return b"nobody reads this"


def fail(_request, context):
    context.set_trailing_metadata([("x-why", "as asked")])
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 % of Käse is gone")


def fail_late(_request, context):
    """The status that only trailers can carry."""
    yield b"so far so good"
    context.abort(grpc.StatusCode.DATA_LOSS, "and then no more")


def remaining(_request, context):
    return b"%.3f" % context.time_remaining()


HANDLERS = {
    "/test.Echo/Echo": grpc.unary_unary_rpc_method_handler(echo),
    "/test.Echo/Count": grpc.stream_unary_rpc_method_handler(count),
    "/test.Echo/Numbers": grpc.unary_stream_rpc_method_handler(numbers),
    "/test.Echo/Talk": grpc.stream_stream_rpc_method_handler(talk),
    "/test.Echo/Wait": grpc.unary_unary_rpc_method_handler(wait),
    "/test.Echo/Waited": grpc.unary_unary_rpc_method_handler(lambda *_: b"%d" % waited),
    "/test.Echo/Cancelled": grpc.unary_unary_rpc_method_handler(lambda *_: b"%d" % cancelled),
    "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(fail),
    "/test.Echo/FailLate": grpc.unary_stream_rpc_method_handler(fail_late),
    "/test.Echo/Remaining": grpc.unary_unary_rpc_method_handler(remaining),
}


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        return HANDLERS.get(details.method)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=128), handlers=[Service()])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()

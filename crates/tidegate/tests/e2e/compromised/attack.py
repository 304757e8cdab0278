"""What a compromised app tries: `attack.py ATTEMPTS`, which is a list of [name, how, at what].

Prints a line of JSON for each: its name, and `reached` or what kept it out.
"""
import ctypes
import json
import os
import resource
import signal
import socket
import sys

PTRACE_SEIZE = 0x4206
libc = ctypes.CDLL(None, use_errno=True)


def called(code):
    if code < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read(path):
    with open(path, "rb") as file:
        file.read(64)


def connect(path):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(path)


def bind(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))


def call(port):
    socket.create_connection(("127.0.0.1", port), 5).close()


def metadata(address):
    """Nothing answers there but in a cloud: who may ask gets any other error."""
    try:
        socket.create_connection((address, 80), 0.5).close()
    except PermissionError:
        raise
    except OSError:
        pass


def ask(port):
    """The API, with a token that is none."""
    with socket.create_connection(("127.0.0.1", port), 5) as stream:
        head = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess\r\nConnection: close\r\n\r\n"
        stream.sendall(head.encode())
        if b" 200 " not in stream.recv(64):
            raise PermissionError("refused by who listens")


def shim():
    """The first of its ancestors that is somebody else's, or is not even seen."""
    pid = os.getppid()
    while os.path.exists(f"/proc/{pid}") and os.stat(f"/proc/{pid}").st_uid == os.getuid():
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
    return pid


def write(path):
    with open(path, "a") as file:
        file.write("x")


def raise_limit(name):
    """To have one more of something than it may."""
    which = getattr(resource, name)
    _, most = resource.getrlimit(which)
    if most == resource.RLIM_INFINITY:
        return
    resource.setrlimit(which, (most + 1, most + 1))


def fork(most):
    children = []
    try:
        while len(children) < most:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


WAYS = {
    "read": read,
    "open": lambda path: os.close(os.open(path, os.O_RDWR)),
    "list": os.listdir,
    "see": os.stat,
    "connect": connect,
    "bind": bind,
    "call": call,
    "ask": ask,
    "metadata": metadata,
    "signal": lambda pid: os.kill(pid, 0),
    "signal-shim": lambda _: os.kill(shim(), 0),
    "trace": lambda pid: called(libc.ptrace(PTRACE_SEIZE, pid, None, None)),
    "write": write,
    "chmod": lambda path: os.chmod(path, 0o777),
    "setuid": os.setuid,
    "mount": lambda at: called(libc.mount(b"none", at.encode(), b"tmpfs", 0, None)),
    "mknod": lambda name: os.mknod(os.path.join(os.environ["TMPDIR"], name), 0o20666, os.makedev(1, 1)),
    "raise-limit": raise_limit,
    "fork": fork,
}

for name, how, at in json.loads(sys.argv[1]):
    try:
        WAYS[how](at)
        outcome = "reached"
    except (OSError, ValueError) as error:
        outcome = f"{type(error).__name__}: {error}"
    print(json.dumps([name, outcome]), flush=True)

"""What a compromised app tries. Prints a line for each attempt: what, a tab, and what came of it."""
import ctypes
import json
import os
import resource
import socket
import sys

told = json.loads(sys.argv[1])
data, pid, build, unit = told["data"], told["pid"], told["build"], told["unit"]
libc = ctypes.CDLL(None, use_errno=True)


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def connect(path):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(2)
        stream.connect(path)
        stream.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = stream.recv(64)
        if b" 403 " in answer or b" 401 " in answer:
            raise PermissionError("refused by who listens")


def bind(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))


def called(code):
    if code < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def forks(most):
    children = []
    try:
        while len(children) < most:
            child = os.fork()
            if child == 0:
                os.pause() if hasattr(os, "pause") else __import__("signal").pause()
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)


def write(path):
    with open(path, "w") as file:
        file.write("x")


def call_api(token):
    with socket.create_connection(("127.0.0.1", told["api"]), 2) as stream:
        head = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
        stream.sendall((head % token).encode())
        if b" 401 " in stream.recv(64):
            raise PermissionError("refused by who listens")


def seen():
    if not os.path.exists("/proc/%d" % pid):
        raise FileNotFoundError("hidden")


attempts = [
    ("the database", lambda: read(data + "/tidegate.db")),
    ("the token", lambda: read(data + "/token")),
    ("a list of the data directory", lambda: os.listdir(data)),
    ("a list of builds", lambda: os.listdir(data + "/builds")),
    ("repositories", lambda: os.listdir(data + "/git")),
    ("secrets", lambda: os.listdir(data + "/secrets")),
    ("keys of certificates", lambda: read(data + "/gateway/certs/a.test/key.pem")),
    ("keys of backups", lambda: os.listdir(data + "/backup")),
    ("output of another app", lambda: os.listdir(data + "/logs/" + unit.split("@")[0])),
    ("another app's build", lambda: os.listdir(build)),
    ("a file of another app's build", lambda: read(build + "/app.py")),
    ("another app's home", lambda: os.listdir(data + "/units/" + unit + "/scratch")),
    ("another app's environment", lambda: read("/proc/%d/environ" % pid)),
    ("another app's memory", lambda: read("/proc/%d/mem" % pid)),
    ("another app's files that are open", lambda: os.listdir("/proc/%d/fd" % pid)),
    ("a signal to another app", lambda: os.kill(pid, 0)),
    ("a signal to the gateway", lambda: os.kill(told["gateway_pid"], 0)),
    ("a signal to its own shim", lambda: os.kill(os.getppid(), 0)),
    ("tracing another app", lambda: called(libc.ptrace(16, pid, 0, 0))),
    ("that another app runs", seen),
    ("the control socket", lambda: connect(data + "/api.sock")),
    ("the gateway's socket", lambda: connect(data + "/gateway/control.sock")),
    ("another app's shim", lambda: connect(data + "/units/" + unit + "/shim.sock")),
    ("the API without a token", lambda: call_api("guess")),
    ("the gateway's port", lambda: bind(told["gateway"])),
    ("another app's port", lambda: bind(told["port"])),
    ("writing to its own build", lambda: write("evil.py")),
    ("changing its own build", lambda: os.chmod("app.py", 0o777)),
    ("being root", lambda: os.setuid(0)),
    ("mounting", lambda: called(libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))),
    ("a device", lambda: os.mknod(os.environ["TMPDIR"] + "/d", 0o20666, os.makedev(1, 1))),
    ("a core file", lambda: resource.setrlimit(resource.RLIMIT_CORE, (1, 1))),
    ("processes without end", lambda: forks(400)),
    ("a connection to another app", lambda: socket.create_connection(("127.0.0.1", told["port"]), 2).close()),
]
for name, attempt in attempts:
    try:
        attempt()
        print("%s\treached" % name, flush=True)
    except Exception as error:
        print("%s\tkept out\t%s" % (name, type(error).__name__), flush=True)

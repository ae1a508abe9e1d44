"""The agent inside a guest: takes orders from the host on a virtio-serial port. Runs on a bare Python.

Each line, both ways, is a JSON object. An order has an ``id`` and one of ``run``, ``spawn``, ``read``, ``write``, ``settle``; its
answer has the same ``id``, and ``error`` if the order could not be carried out. Each order has a thread of its own, so one
that hangs in the kernel holds up no other. An object with ``stream`` belongs to a connection: ``connect`` opens it, ``data``
goes both ways, ``end`` closes it. Bytes are base64.
"""

import base64
import fcntl
import glob
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

PORT = "aiocsi.agent"
PIECE_BYTES = 32768
RNDADDENTROPY = 0x40085203
RNDRESEEDCRNG = 0x5207


class Agent:
    """Answers on the port until the process ends."""

    def __init__(self, port):
        self.port = port
        self.writing = threading.Lock()
        self.streams = {}

    def serve(self):
        """Take orders, one a line."""
        rest = b""
        while True:
            part = os.read(self.port, PIECE_BYTES)
            if not part:
                self.wait_for_host()
            *lines, rest = (rest + part).split(b"\n")
            for line in filter(None, lines):
                self.take(json.loads(line))

    def wait_for_host(self):
        """Wait a moment: no one is at the other end of the port, and nothing tells when it is opened."""
        time.sleep(0.2)

    def take(self, order):
        """Begin to carry an order out."""
        if "id" in order:
            threading.Thread(target=self.answer, args=(order,), daemon=True).start()
        elif "connect" in order:
            threading.Thread(target=self.relay, args=(order["stream"], order["connect"]), daemon=True).start()
        elif (connection := self.streams.get(order["stream"])) is not None:
            pass_on(connection, order)

    def answer(self, order):
        """Carry an order out, and say what came of it."""
        (kind,) = ORDERS.keys() & order.keys()
        try:
            answer = ORDERS[kind](**order[kind])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.send({"id": order["id"], **answer})

    def relay(self, stream, where):
        """Carry what a server in the guest says to the host, until it ends."""
        try:
            connection = self.streams[stream] = connect(where)
            self.send({"stream": stream, "data": ""})  # it is open
            while part := connection.recv(PIECE_BYTES):
                self.send({"stream": stream, "data": text(part)})
        except OSError:
            pass  # to the host this is an end like any other
        self.send({"stream": stream, "end": True})
        if (connection := self.streams.pop(stream, None)) is not None:
            connection.close()

    def send(self, message):
        """Write one line."""
        line = json.dumps(message).encode() + b"\n"
        with self.writing:
            while line:
                line = line[os.write(self.port, line) :]


def connect(where):
    """Connect to a path, or to a port of 127.0.0.1."""
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where))
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(where)
    except OSError:
        connection.close()
        raise
    return connection


def pass_on(connection, order):
    """Carry what the host says to a server in the guest."""
    try:
        if "end" in order:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(base64.b64decode(order["data"]))
    except OSError:  # the server has closed: the other direction tells the host
        pass


def run(argv, stdin, seconds, env):
    """Run a program to its end. One that takes too long is killed with its group, and not waited for."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(base64.b64decode(stdin), timeout=seconds)
    except subprocess.TimeoutExpired:
        with open(f"/proc/{process.pid}/wchan") as file:  # gone once it is killed and waited for
            where = file.read() or "?"
        os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        threading.Thread(target=process.wait, daemon=True).start()
        return {"error": f"still runs after {seconds:g} s, in {where}", "pid": process.pid}
    return {"status": process.returncode, "stdout": text(out), "stderr": text(err)}


def spawn(argv, log, env):
    """Start a program that goes on by itself; its output goes to the end of a file."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return {"pid": process.pid}


def read(path):
    """Return the contents of a file."""
    with open(path, "rb") as file:
        return {"stdout": text(file.read())}


def write(path, data, mode):
    """Make a file, with the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(base64.b64decode(data))
    return {}


def settle(now, entropy):
    """Set the clock, and stir the random numbers: two guests from one saved state must not draw the same."""
    time.clock_settime(time.CLOCK_REALTIME, now)
    stirred = base64.b64decode(entropy)
    with open("/dev/random", "wb") as device:
        fcntl.ioctl(device, RNDADDENTROPY, struct.pack("ii", 8 * len(stirred), len(stirred)) + stirred)
        fcntl.ioctl(device, RNDRESEEDCRNG)
    return {}


def text(data):
    """Return bytes as JSON can hold them."""
    return base64.b64encode(data).decode()


ORDERS = {"run": run, "spawn": spawn, "read": read, "write": write, "settle": settle}


def port():
    """Return the path of the port, once it is there."""
    while True:
        for file in glob.glob("/sys/class/virtio-ports/*/name"):
            with open(file) as name:
                if name.read().strip() == PORT:
                    return "/dev/" + file.split("/")[-2]
        time.sleep(0.02)


if __name__ == "__main__":
    Agent(os.open(port(), os.O_RDWR)).serve()

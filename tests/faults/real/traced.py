"""A process as it is, whose effects are traced: ``python -m tests.faults.real.traced MODULE ARGUMENTS``.

An effect is what outlives the process or is seen outside of it: a file written, made, renamed or removed, a device
controlled, a program started (PEP 578 audit events), a statement of SQLite that changes something or commits, a request
sent, a reply received, an answer sent (the process's sockets). ``FAULTS_EFFECTS`` names a file that gets a line for
each. Each line of ``FAULTS_DEATHS`` is a number N and the name of an effect: the process kills itself right before the
effect when it comes for the Nth time; with "later" behind the name, a moment after. Which it was is its last line.
"""

import _thread  # noqa: TID251  # replaces what the node calls
import os
import re
import runpy
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

LATER = ", a moment later"
DIES = "dies: "
MOMENT_SECONDS = 0.003
WATCHED = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink"})
HEADERS, DATA = 1, 0  # frames of HTTP/2 that carry an answer
_OWN = re.compile(r"pvc-[\w-]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|[0-9]+")  # what differs from life to life
_CHANGE = re.compile(r"\s*(INSERT(?: OR \w+)? INTO \w+|UPDATE \w+|DELETE FROM \w+)", re.IGNORECASE)
_REQUEST = re.compile(rb"(GET|POST|PUT|DELETE|PATCH) (/[^ ?]*)\S* HTTP/1")
_REPLY = re.compile(rb"HTTP/1\.\d (\d+)")
_ACTION = re.compile(rb'"type": ?"(\w+)"')


class Effects:
    """Counts what happens; kills the process when its time has come."""

    def __init__(self, folder: str, log: str, deaths: str) -> None:
        self._folder = folder
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        self._deaths = frozenset(deaths.splitlines())
        self._counts: Counter[str] = Counter()
        self._changed = ""

    def happens(self, name: str) -> None:
        """Take note of an effect that is about to happen."""
        self._counts[name] += 1
        os.write(self._log, f"{name}\n".encode())
        death = f"{self._counts[name]} {name}"
        if death in self._deaths:
            os.write(self._log, f"{DIES}{death}\n".encode())
            _kill()
        if death + LATER in self._deaths:
            _thread.start_new_thread(self._kill_later, (death + LATER,))

    def _kill_later(self, death: str) -> None:
        time.sleep(MOMENT_SECONDS)
        os.write(self._log, f"{DIES}{death}\n".encode())
        _kill()

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take note of an audit event, if it is an effect."""
        if event == "subprocess.Popen":
            argv = arguments[1]
            assert isinstance(argv, list)
            self.happens(f"program {argv[0]}")
        elif event == "fcntl.ioctl":
            self.happens(f"ioctl {arguments[1]}")
        elif event in WATCHED:
            self._file(event.removeprefix("os."), str(arguments[0]))
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE != os.O_RDONLY:
            self._file("write", str(arguments[0]))

    def statement(self, sql: str) -> None:
        """Take note of a statement of SQLite."""
        if change := _CHANGE.match(sql):
            self._changed = " ".join(change[1].split())
            self.happens(f"sql {self._changed}")
        elif sql.startswith("COMMIT"):
            self.happens(f"sql COMMIT of {self._changed}")

    def _file(self, what: str, path: str) -> None:
        if path.startswith(self._folder):
            self.happens(f"{what} {_OWN.sub('#', path.removeprefix(self._folder))}")
        elif path.startswith(("/dev/", "/sys/")) and path != os.devnull:
            self.happens(f"{what} {_OWN.sub('#', path)}")


class Connection(sqlite3.Connection):
    """A connection to SQLite whose statements are traced."""

    effects: Effects

    def __init__(  # type: ignore[explicit-any]  # whatever sqlite3.connect was given
        self, *arguments: Any, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self.set_trace_callback(self.effects.statement)


class Socket(socket.socket):
    """A socket whose traffic is traced."""

    effects: Effects
    asked: ClassVar[WeakKeyDictionary[socket.socket, str]] = WeakKeyDictionary()

    def send(self, data: "ReadableBuffer", flags: int = 0, /) -> int:
        """Send, unless the process dies before."""
        head = bytes(memoryview(data)[:2000])
        if self.family is socket.AF_UNIX:
            if _is_answer(bytes(data)):
                self.effects.happens("answer a call")
        elif request := _request(head):
            self.asked[self] = request
            self.effects.happens(f"send {request}")
        elif reply := _REPLY.match(head):
            self._reply("answer", reply[1].decode())
        return super().send(data, flags)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive; the process may die before it looks at it."""
        data = super().recv(size, flags)
        self._received(data[:2000])
        return data

    def recv_into(self, buffer: "WriteableBuffer", size: int = 0, flags: int = 0, /) -> int:
        """Receive; the process may die before it looks at it."""
        number = super().recv_into(buffer, size, flags)
        self._received(bytes(memoryview(buffer)[: min(number, 2000)]))
        return number

    def _received(self, head: bytes) -> None:
        if self.family is socket.AF_UNIX:
            return
        if request := _request(head):
            self.asked[self] = request
        elif reply := _REPLY.match(head):
            self._reply("receive", reply[1].decode())

    def _reply(self, verb: str, status: str) -> None:
        if asked := self.asked.get(self):
            self.effects.happens(f"{verb} {status} to {asked}")


def _request(head: bytes) -> str:
    """Return method, path and kind of action of a request to the cloud; nothing of the tests' own requests."""
    found = _REQUEST.match(head)
    if found is None or found[2].startswith((b"/_localcloud", b"/metadata")):
        return ""
    kind = _ACTION.search(head)
    path = _OWN.sub("#", found[2].decode().removeprefix("/v2"))
    return " ".join((found[1].decode(), path, *([kind[1].decode()] if kind else [])))


def _is_answer(data: bytes) -> bool:
    """Tell whether frames of HTTP/2 (RFC 9113, 4.1) carry an answer, or only keep the connection."""
    at = 0
    while at + 9 <= len(data):
        if data[at + 3] in {HEADERS, DATA}:
            return True
        at += 9 + int.from_bytes(data[at : at + 3], "big")
    return False


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Be the process that the arguments name, until it ends or dies."""
    folder, log = os.environ["HARNESS_RUN"], os.environ.pop("FAULTS_EFFECTS")
    Socket.effects = Connection.effects = Effects(folder, log, os.environ.pop("FAULTS_DEATHS", ""))
    sqlite3.connect = partial(sqlite3.connect, factory=Connection)  # type: ignore[assignment]  # one of its forms
    socket.socket = Socket  # type: ignore[misc]  # whoever makes or accepts one takes it from here
    sys.addaudithook(Socket.effects.audit)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""Enter a droplet: ``python -m localcloud.guests.console FOLDER`` is a shell on its console. Ctrl-] leaves it.

FOLDER is the droplet's, ``droplets/<id>`` in the cloud's state folder.
"""

import os
import select
import socket
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from localcloud.guests.paths import short

LEAVE = b"\x1d"  # Ctrl-]
PIECE_BYTES = 4096


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 it was left, 1 there is no such droplet or it is off, 2 wrong usage."""
    words = sys.argv[1:] if argv is None else argv
    if len(words) != 1:
        sys.stderr.write("usage: python -m localcloud.guests.console FOLDER\n")
        return 2
    with socket.socket(socket.AF_UNIX) as console:
        try:
            with short(Path(words[0]) / "console") as path:
                console.connect(path)
        except OSError as error:
            sys.stderr.write(f"no console in {words[0]}: {error.strerror}\n")
            return 1
        sys.stderr.write("Ctrl-] leaves; a droplet that has just been started needs ten seconds\n")
        console.sendall(b"\n")  # shows the prompt
        with _raw(sys.stdin.fileno()):
            carry(sys.stdin.fileno(), console, sys.stdout.fileno())
    sys.stderr.write("\nleft the droplet\n")
    return 0


def carry(source: int, console: socket.socket, target: int) -> None:
    """Carry what is typed to the console and its output back, until Ctrl-], the end of the input, or of the droplet."""
    while True:
        ready, _, _ = select.select([source, console.fileno()], [], [])
        if console.fileno() in ready:
            if not (part := console.recv(PIECE_BYTES)):
                return
            os.write(target, part)
        if source in ready:
            typed, leave, _ = os.read(source, PIECE_BYTES).partition(LEAVE)
            console.sendall(typed)
            if leave or not typed:
                return


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Pass each key on as it is typed, if it is a terminal."""
    if not os.isatty(terminal):
        yield
        return
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


if __name__ == "__main__":
    sys.exit(main())

"""What is typed reaches a droplet's console, and what it writes is shown, until either end leaves."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.guests import console


@dataclass(frozen=True)
class Ends:
    """What carry is given, and the other ends of it: the keyboard, the droplet, the screen."""

    source: int
    here: socket.socket
    target: int
    keyboard: int
    droplet: socket.socket
    screen: int

    def type(self, text: bytes) -> None:
        os.write(self.keyboard, text)

    def carry(self) -> None:
        console.carry(self.source, self.here, self.target)


@pytest.fixture
def ends() -> Iterator[Ends]:
    source, keyboard = os.pipe()
    screen, target = os.pipe()
    here, droplet = socket.socketpair()
    with here, droplet:
        yield Ends(source, here, target, keyboard, droplet, screen)
    for each in (source, keyboard, screen, target):
        os.close(each)


def test_what_is_typed_before_the_leaving_key_is_sent_and_nothing_after_it(ends: Ends) -> None:
    ends.type(b"ls\n" + console.LEAVE + b"rm\n")
    ends.carry()
    assert ends.droplet.recv(100) == b"ls\n"


def test_what_the_droplet_writes_is_shown_until_it_ends(ends: Ends) -> None:
    ends.droplet.sendall(b"login: ")
    ends.droplet.shutdown(socket.SHUT_WR)
    ends.carry()
    assert os.read(ends.screen, 100) == b"login: "


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param([], 2, "usage:", id="no folder"),
        pytest.param(["a", "b"], 2, "usage:", id="two folders"),
        pytest.param(["/nowhere/droplets/1"], 1, "no console in /nowhere/droplets/1", id="no droplet"),
    ],
)
def test_what_cannot_be_entered_is_said(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    assert console.main(words) == status
    assert said in capsys.readouterr().err


def test_a_droplet_that_is_off_cannot_be_entered(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "console"))
    assert console.main([str(tmp_path)]) == 1

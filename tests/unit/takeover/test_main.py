"""The command, but for what its steps do."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from takeover.__main__ import main

ENDING = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = [signal.getsignal(number) for number in ENDING]
    yield
    for number, handler in zip(ENDING, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_a_session_that_is_lost_does_not_keep_it_from_cleaning_up(tmp_path: Path, number: signal.Signals) -> None:
    assert main(["back", "--folder", str(tmp_path)]) == 1
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), number)

"""How a process ends: its status, and what the log says of it."""

import pytest

from common import entry, errors
from tests.unit.common.captured import captured


async def end_with(error: BaseException | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        pytest.param(None, 0, "", id="a signal"),
        pytest.param(
            errors.Unavailable("no token", remedy="set it"), 1, '"message": "no token", "remedy": "set it"', id="ours"
        ),
        pytest.param(PermissionError(13, "Permission denied", "/x"), 1, "Permission denied: '/x'", id="the host's"),
        pytest.param(KeyboardInterrupt(), 130, "", id="Ctrl-C"),
    ],
)
def test_what_was_foreseen_ends_the_process_with_one_clear_line(
    error: BaseException | None, status: int, said: str
) -> None:
    with captured() as log:
        assert entry.main(end_with(error)) == status
    assert said in log.text
    assert len(log.text.splitlines()) == bool(said)
    assert "Traceback" not in log.text


def test_what_was_not_foreseen_leaves_a_traceback_in_the_log() -> None:
    with captured() as log:
        assert entry.main(end_with(KeyError("x"))) == 1
    assert "Traceback" in log.text

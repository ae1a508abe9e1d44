"""``--check`` prints one line for each precondition, and its status says whether all hold."""

import asyncio
from pathlib import Path

import pytest

from common import checks, errors, redaction
from common.checks import Check
from common.settings import CHECK
from tests.unit.common.test_settings import read, read_wrong

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def there() -> str:
    return "found"


async def missing() -> str:
    raise errors.FailedPrecondition("it is missing", remedy="put it there")


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


async def shows_a_secret() -> str:
    return "dop_v1_hush"


async def test_all_that_holds_is_told_and_the_status_is_0() -> None:
    lines: list[str] = []
    assert await checks.report([Check("a", there), Check("b", there, needs=("a",))], lines.append) == 0
    assert lines == ["✓ a: found\n", "✓ b: found\n"]


async def test_what_fails_is_told_with_its_remedy_and_what_needs_it_is_not_tried() -> None:
    lines: list[str] = []
    tried = [Check("a", missing), Check("b", there, needs=("a",)), Check("c", there, needs=("b",)), Check("d", there)]
    assert await checks.report(tried, lines.append) == 1
    assert lines == [
        "✗ a: it is missing (remedy: put it there)\n",
        "✗ b: not tried without: a\n",
        "✗ c: not tried without: b\n",
        "✓ d: found\n",
    ]


async def test_a_check_that_hangs_ends() -> None:
    lines: list[str] = []
    assert await checks.report([Check("a", hangs)], lines.append) == 1
    assert lines == ["✗ a: nothing in 10 s\n"]


async def test_no_line_shows_a_secret() -> None:
    redaction.register("dop_v1_hush")
    lines: list[str] = []
    await checks.report([Check("a", shows_a_secret)], lines.append)
    redaction.forget("dop_v1_hush")
    assert lines == ["✓ a: ***\n"]


async def test_no_line_moves_a_terminals_cursor() -> None:
    async def tells_of_a_path() -> str:
        return "/a\x1b[31m\udcff"

    lines: list[str] = []
    await checks.report([Check("a", tells_of_a_path)], lines.append)
    assert lines == ["✓ a: /a\\x1b[31m\\xff\n"]


async def test_a_directory_must_be_there_or_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await checks.directory("d", tmp_path, "mount it").run() == str(tmp_path)
    assert "made at the start" in await checks.directory("d", tmp_path / "a/b", "mount it", made=True).run()
    for path, made in ((tmp_path / "a", False), (tmp_path / "file", False), (tmp_path / "file/a", True)):
        with pytest.raises(errors.FailedPrecondition, match="mount it"):
            await checks.directory("d", path, "mount it", made=made).run()


async def test_check_is_left_to_the_program_and_nothing_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert read({"AIOCSI_NODE_ID": "5"}, [CHECK]).node_id == "5"
    assert "unknown argument" in read_wrong(capsys, {"AIOCSI_NODE_ID": "5"}, [CHECK, "--now"])

"""Programs: their deadline, their group, their output."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from common import deadlines, errors
from common.tasks import Tasks
from node.host.command import PIPED_BYTES, Commands, piped
from tools.processes.program import until

SHELL = "/bin/sh"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


@pytest.mark.asyncio
async def test_a_program_that_ends_tells_its_status_and_what_it_printed() -> None:
    seen: list[tuple[str, int]] = []
    commands = Commands(lambda program, _seconds, status: seen.append((program, status)))
    ended = await commands.run(SHELL, "-c", "echo out; echo err >&2; exit 3", seconds=10)
    assert (ended.status, ended.stdout, ended.stderr, ended.said) == (3, "out\n", "err\n", "err; out")
    assert seen == [(SHELL, 3)]


@pytest.mark.asyncio
async def test_a_program_is_what_a_call_waits_for_until_it_ends() -> None:
    with deadlines.until(60.0) as obstacle:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(Commands().run("sleep", "60", seconds=60))
            while not obstacle:  # noqa: ASYNC110
                await asyncio.sleep(0)  # noqa: TID251  # it starts
            assert obstacle == ["sleep is still running"]
            running.cancel()
    assert obstacle == []


@pytest.mark.asyncio
async def test_what_a_program_says_of_a_file_that_it_inherits_has_the_name_of_that_file(tmp_path: Path) -> None:
    with (tmp_path / "disk").open("w") as disk:
        pinned = f"/proc/self/fd/{disk.fileno()}"
        ended = await Commands().run("echo", pinned, f"{pinned}0: bad", seconds=10, files=(disk.fileno(),))
    assert ended.said == f"{tmp_path / 'disk'} {pinned}0: bad"


@pytest.mark.asyncio
async def test_a_program_reads_what_it_is_given_to_the_end_and_nothing_otherwise() -> None:
    commands = Commands()
    assert (await commands.run("cat", seconds=10, stdin=b"a\n\0b")).stdout == "a\n\0b"
    assert (await commands.run("cat", seconds=10)).stdout == ""
    whole = bytes(PIPED_BYTES)
    assert len((await commands.run("cat", seconds=10, stdin=whole)).stdout) == PIPED_BYTES


def test_what_is_piped_is_all_there_before_anybody_reads() -> None:
    with piped(b"secret") as reader:
        assert os.read(reader, 100) == b"secret"
        assert os.read(reader, 100) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(reader, 1)


@pytest.mark.asyncio
async def test_a_program_that_fails_without_a_verdict_is_not_final_where_success_is_needed() -> None:
    with pytest.raises(errors.OutcomeUnknown, match=r"/bin/sh ended with 3: broken"):
        await Commands().check(SHELL, "-c", "echo broken; exit 3", seconds=10)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV"])
async def test_a_program_that_a_signal_ends_is_never_read_as_if_it_had_judged(name: str) -> None:
    seen: list[int] = []
    commands = Commands(lambda _program, _seconds, status: seen.append(status))
    with pytest.raises(errors.OutcomeUnknown, match=f"was killed .SIG{name}.*has judged nothing"):
        await commands.run(SHELL, "-c", f"echo all is well; kill -{name} $$", seconds=10)
    assert seen == [-signal.Signals[f"SIG{name}"]]


@pytest.mark.asyncio
async def test_a_program_that_does_not_end_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $$ $! > {pids}; trap '' TERM; wait"
    with pytest.raises(errors.OutcomeUnknown, match="did not end within"):
        await Commands().run(SHELL, "-c", script, seconds=2)
    await until(lambda: None if any(map(alive, map(int, pids.read_text().split()))) else True, 30)


@pytest.mark.asyncio
async def test_a_cancelled_call_leaves_no_program(tmp_path: Path) -> None:
    fifo, script = tmp_path / "fifo", "echo $$ > {fifo}; sleep 600"
    os.mkfifo(fifo)
    call = Tasks().background(Commands().run(SHELL, "-c", script.format(fifo=fifo), seconds=60), "call")
    pid = int(await asyncio.to_thread(fifo.read_text))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not alive(pid)


@pytest.mark.asyncio
async def test_output_is_kept_up_to_a_limit_and_the_rest_is_dropped() -> None:
    ended = await Commands().run(SHELL, "-c", "head -c 3000000 /dev/zero; exit 1", seconds=30)
    assert (ended.status, len(ended.stdout)) == (1, 64 << 10)


@pytest.mark.asyncio
async def test_a_program_inherits_the_files_that_it_is_given_and_no_others(tmp_path: Path) -> None:
    with (tmp_path / "given").open("w") as given, (tmp_path / "other").open("w") as other:
        listing = "import os; print(*(fd for fd in os.listdir('/proc/self/fd')))"
        ended = await Commands().run(sys.executable, "-c", listing, seconds=30, files=(given.fileno(),))
        assert str(given.fileno()) in ended.stdout.split()
        assert str(other.fileno()) not in ended.stdout.split()


@pytest.mark.asyncio
async def test_a_program_that_is_not_installed_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "program").touch(0o600)
    for program, why in (("no-such-program", "is not installed$"), (str(tmp_path / "program"), "or may not be run")):
        with pytest.raises(errors.Unavailable) as refused:
            await Commands().run(program, seconds=1)
        assert re.search(why, refused.value.message)


@pytest.mark.asyncio
async def test_programs_speak_english_whatever_the_hosts_language() -> None:
    ended = await Commands().run(SHELL, "-c", "echo $LC_ALL", seconds=10)
    assert ended.stdout == "C\n"

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.processes.program import Program, ProgramFailed

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PATIENT = "import signal; print('up', flush=True); signal.sigwait({signal.SIGTERM})"


@pytest.fixture(name="programs")
def fixture_programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def python(programs: list[Program], folder: Path, code: str) -> Program:
    if "sigwait" in code:
        code = code.replace("; ", "; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); ", 1)
    program = Program("child", [sys.executable, "-c", code], {}, folder / "log", folder)
    programs.append(program)
    return program


def says_up(program: Program) -> bool | None:
    return True if "up" in program.output() else None


@pytest.mark.asyncio
async def test_a_program_that_ends_when_asked_gives_its_exit_status(programs: list[Program], tmp_path: Path) -> None:
    program = python(programs, tmp_path, PATIENT)
    program.start()
    await program.until(lambda: says_up(program), "greeting", 10)
    assert await program.stop(10) == 0
    assert not program.running


@pytest.mark.asyncio
async def test_a_program_that_does_not_end_when_asked_is_killed_and_named(
    programs: list[Program], tmp_path: Path
) -> None:
    program = python(programs, tmp_path, STUBBORN)
    program.start()
    await program.until(lambda: says_up(program), "greeting", 10)
    with pytest.raises(ProgramFailed, match=r"child did not end within 0.1 s"):
        await program.stop(0.1)
    assert not program.running


@pytest.mark.asyncio
async def test_a_program_that_ends_too_early_is_reported_with_the_last_lines_of_its_log(
    programs: list[Program], tmp_path: Path
) -> None:
    program = python(programs, tmp_path, "raise SystemExit('no such region')")
    program.start()
    with pytest.raises(ProgramFailed, match=r"(?s)child ended before socket.*no such region"):
        await program.until(lambda: None, "socket", 10)


@pytest.mark.asyncio
async def test_what_a_program_says_right_before_its_end_is_found(programs: list[Program], tmp_path: Path) -> None:
    program = python(programs, tmp_path, "print('up')")
    program.start()
    looks: list[bool | None] = []

    def look_before_its_end() -> bool | None:
        looks.append(says_up(program) if looks else None)
        while program.running:
            time.sleep(0.01)
        return looks[-1]

    assert await program.until(look_before_its_end, "greeting", 10)


@pytest.mark.asyncio
async def test_a_program_that_never_gets_ready_is_reported_at_the_limit(
    programs: list[Program], tmp_path: Path
) -> None:
    program = python(programs, tmp_path, PATIENT)
    program.start()
    with pytest.raises(ProgramFailed, match=r"no socket within 0.05 s"):
        await program.until(lambda: None, "socket", 0.05)


@pytest.mark.asyncio
async def test_a_killed_program_can_be_started_again_and_adds_to_its_log(
    programs: list[Program], tmp_path: Path
) -> None:
    program = python(programs, tmp_path, PATIENT)
    for starts in (1, 2):
        program.start()
        await program.until(lambda: True if program.output().count("up") == starts else None, "greeting", 10)  # noqa: B023 - awaited at once
        program.signal(signal.SIGKILL)
        assert await program.ended(10) == -signal.SIGKILL


@pytest.mark.asyncio
async def test_waiting_for_a_program_leaves_the_loop_free(programs: list[Program], tmp_path: Path) -> None:
    program = python(programs, tmp_path, PATIENT)
    program.start()
    await program.until(lambda: says_up(program), "greeting", 10)
    status, _ = await asyncio.gather(program.ended(10), asyncio.to_thread(program.signal, signal.SIGTERM))
    assert status == 0

"""``make run`` as a user meets it: what it prints, how it ends, and that nothing is left."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.harness import tutorial
from tools.processes import traces
from tools.processes.program import Program, until

pytestmark = pytest.mark.timeout(300)  # whole runs, on a machine that may be busy

ROOT = Path(__file__).parents[3]
UNPRIVILEGED = 65534
AS_NOBODY = "import os, sys; from tools.walkthrough.__main__ import main; os.setuid({user}); sys.exit(main([]))"
END_SECONDS = 120


class Walkthrough(Protocol):
    """Starts ``make run`` with some arguments."""

    def __call__(self, *arguments: str) -> Program: ...


@pytest.fixture(name="walkthrough")
def fixture_walkthrough(disk_folder: Path, tmp_path: Path, short_folder: Path) -> Iterator[Walkthrough]:
    """Starts ``make run`` with its temporary folder in ``short_folder``."""
    assert tmp_path.is_relative_to(disk_folder)
    started: list[Program] = []

    def start(*arguments: str) -> Program:
        argv = [sys.executable, "-m", "tools.walkthrough", *arguments]
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(short_folder)}
        started.append(Program("make run", argv, environment, tmp_path / "log", ROOT))
        started[-1].start()
        return started[-1]

    yield start
    for program in started:
        program.kill()


async def shows(program: Program, text: str) -> None:
    """Wait until the program has printed ``text``."""
    await program.until(lambda: True if text in program.output() else None, f"line with {text!r}", END_SECONDS)


def left(folder: Path) -> list[str]:
    """Return what is left of a run: files, and traces on the machine."""
    runs = list(folder.iterdir())
    return [*map(str, runs), *(line for run in runs for line in traces.find(run).lines())]


def kill_nodes(base: Path) -> Path:
    """Kill the nodes of the one run in ``base``; return the run's folder."""
    (folder,) = base.iterdir()
    for process in traces.find(folder).processes:
        if process.command.endswith("-m node"):
            os.kill(process.pid, signal.SIGKILL)
    return folder


@pytest.mark.asyncio
async def test_it_plays_the_whole_life_and_leaves_nothing(walkthrough: Walkthrough, short_folder: Path) -> None:
    run = walkthrough()
    assert await run.ended(END_SECONDS) == 0, run.output()
    assert "14 stop the services" in run.output()
    assert [line[1] for line in run.output().splitlines() if line[1:2] in {"✗", "✓"}] == list("✗✗✗✗✗✓✓✓")
    assert len(run.output().splitlines()) <= 25
    for page in (ROOT / "README.md", tutorial.FOLDER / "first-volume.md"):
        shown = next(block.shown for block in tutorial.blocks(page) if "make run" in block.commands)
        assert tutorial.fits(shown or "", run.output()), page
    assert left(short_folder) == []


@pytest.mark.asyncio
async def test_it_tells_what_happened_from_outside_of_the_steps(walkthrough: Walkthrough, tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    run = walkthrough("--facts", "--html", str(page))
    assert await run.ended(END_SECONDS) == 0, run.output()
    drawn = await asyncio.to_thread(page.read_text)
    assert "POST volumes → no reply" in drawn
    assert ("://" in drawn, len(drawn.encode()) < 500_000) == (False, True)  # one file that needs no network
    facts = [line.split(maxsplit=1) for line in run.output().splitlines() if line.startswith("      ")]
    assert [fact for kind, fact in facts if kind == "api" and "DELETE" in fact]
    assert [fact for kind, fact in facts if kind == "program" and "mkfs.ext4" in fact]
    assert [fact for kind, fact in facts if kind == "mount" and " - ext4 " in fact]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        pytest.param(signal.SIGINT, "One ext4", id="Ctrl-C while the services start"),
        pytest.param(signal.SIGINT, " 2 create", id="Ctrl-C while a volume is attached"),
        pytest.param(signal.SIGINT, " 5 write", id="Ctrl-C with everything mounted"),
        pytest.param(signal.SIGKILL, "One ext4", id="killed while the services start"),
        pytest.param(signal.SIGKILL, " 5 write", id="killed with everything mounted"),
    ],
)
async def test_whenever_it_is_interrupted_nothing_is_left(
    number: signal.Signals, moment: str, walkthrough: Walkthrough, short_folder: Path
) -> None:
    run = walkthrough()
    await shows(run, moment)
    run.signal(number)
    status = await run.ended(END_SECONDS)
    assert status == (130 if number is signal.SIGINT else -signal.SIGKILL)
    await until(lambda: None if left(short_folder) else True, END_SECONDS)  # after a kill the reaper cleans up
    assert "Traceback" not in run.output()


@pytest.mark.asyncio
async def test_a_step_that_fails_is_named_with_its_reason_and_its_logs(
    walkthrough: Walkthrough, short_folder: Path
) -> None:
    run = walkthrough()
    await shows(run, " 2 create")
    folder = kill_nodes(short_folder)
    assert await run.ended(END_SECONDS) == 1
    assert "step 4 failed: stage and publish on node A" in run.output()
    assert "ConnectionRefusedError" in run.output()
    assert f"The logs are in {folder}" in run.output()
    assert (folder / "node-a" / "log").stat().st_size > 0
    assert traces.find(folder).lines() == []


@pytest.mark.asyncio
async def test_keep_leaves_the_services_up_until_ctrl_c(walkthrough: Walkthrough, short_folder: Path) -> None:
    run = walkthrough("--keep")
    await shows(run, "/cloud/log\n")
    (socket,) = short_folder.glob("*/node-b/csi.sock")  # noqa: ASYNC240 - a few entries of a temporary folder
    argv = [sys.executable, "-m", "tools.csi", str(socket), "NodeGetInfo"]
    call = Program("call", argv, {"PATH": os.environ["PATH"]}, run.log.with_name("call"), ROOT)
    call.start()
    assert await call.ended(END_SECONDS) == 0, call.output()
    assert '"region": "nyc1"' in call.output()
    run.signal(signal.SIGINT)
    assert await run.ended(END_SECONDS) == 0, run.output()
    assert left(short_folder) == []


@pytest.mark.asyncio
@pytest.mark.usefixtures("disk_folder")
async def test_without_root_it_says_so_in_one_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", AS_NOBODY.format(user=UNPRIVILEGED)]
    run = Program("make run", argv, {"PATH": os.environ["PATH"]}, tmp_path / "log", ROOT)
    run.start()
    assert await run.ended(END_SECONDS) == 2
    assert run.output() == "make run: needs root, for loop devices, mkfs and mount: run it as root, or with sudo\n"

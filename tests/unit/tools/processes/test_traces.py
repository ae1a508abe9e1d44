import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tools.processes import traces

ROOT = Path(__file__).parents[4]
NESTED_SECONDS = 150  # a run of pytest in the run, on a machine that may be busy
SLEEP = "import time; print('up', flush=True); time.sleep(60)"

LEAKING = """
import subprocess
def test_that_leaves_a_process_behind():
    child = subprocess.Popen(['sleep', '61.5'], start_new_session=True)
    print(f'pid={child.pid}.')
    child.returncode = 0  # so that its destructor does not warn
"""
HANGING = """
import pytest, subprocess, threading
@pytest.mark.timeout(1, method='thread', func_only=True)  # what comes before it may take its time
def test_that_hangs():
    child = subprocess.Popen(['sleep', '61.5'], start_new_session=True)
    print(f'pid={child.pid}.', flush=True)
    threading.Event().wait()
"""


KILLED_WITH_A_CHILD = """
import os, signal, subprocess, sys
from pathlib import Path
from tools.processes.reaper import Reaper
with Reaper(Path(sys.argv[1]), remove=False):
    os.environ['HARNESS_RUN'] = sys.argv[1]
    child = os.fork()
    if child == 0:  # holds the reaper's pipe open, and outlives its parent
        os.closerange(1, 3)
        signal.pause()
    marked = subprocess.Popen(['sleep', '61.5'], start_new_session=True)
    print(f'pid={marked.pid}. child={child}.', flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(name="ending")
def fixture_ending() -> Iterator[ExitStack]:
    with ExitStack() as ending:
        yield ending


def sleeper(ending: ExitStack, mark: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEP], env={traces.MARK: str(mark)}, stdout=subprocess.PIPE, start_new_session=True
    )
    ending.enter_context(process)
    ending.callback(process.kill)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def nested_pytest(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_nested.py").write_text(test)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "-p",
        "tests.conftest",
        "-c",
        "/dev/null",
        "--rootdir",
        str(folder),
    ]
    argv += [f"--basetemp={folder / 'temp'}", "-p", "no:cacheprovider", str(folder / "test_nested.py")]
    return subprocess.run(
        argv, env=environment, cwd=folder, capture_output=True, text=True, timeout=NESTED_SECONDS, check=False
    )


def has_ended(output: str) -> bool:
    """Tell whether the process that was printed has ended; its orphan may wait to be reaped by this very run."""
    pid = int(output.split("pid=")[1].split(".", maxsplit=1)[0])
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def test_a_process_that_carries_the_mark_is_found_named_and_ended(ending: ExitStack, tmp_path: Path) -> None:
    process = sleeper(ending, tmp_path)
    assert [found.pid for found in traces.find(tmp_path).processes] == [process.pid]
    traces.clean(tmp_path)
    assert process.wait(10) == -signal.SIGKILL
    assert traces.find(tmp_path).lines() == []


def test_the_process_of_another_run_is_left_alone_unless_all_our_children_are_meant(ending: ExitStack) -> None:
    process = sleeper(ending, Path("/mine/not"))
    assert traces.find(Path("/mine/n")).lines() == []
    traces.clean(Path("/mine/n"))
    assert process.poll() is None
    assert process.pid in [found.pid for found in traces.find(Path("/mine/n"), children=True).processes]


def test_a_listening_socket_is_found_under_the_folder_alone(ending: ExitStack, tmp_path: Path) -> None:
    for folder in (tmp_path / "mine", tmp_path / "mine-not"):
        folder.mkdir()
        listener = ending.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(folder / "s"))
        listener.listen()
    assert traces.find(tmp_path / "mine").sockets == (tmp_path / "mine" / "s",)


def test_a_run_that_leaves_a_process_behind_fails_and_names_it(tmp_path: Path) -> None:
    run = nested_pytest(tmp_path, LEAKING)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "the run left behind" in run.stdout
    assert "sleep 61.5" in run.stdout
    assert has_ended(run.stdout)


def test_a_run_that_is_killed_by_its_time_out_is_cleaned_up_too(tmp_path: Path) -> None:
    run = nested_pytest(tmp_path, HANGING)
    assert "Timeout" in run.stdout + run.stderr
    assert "now removed: process" in run.stderr  # capture_output waits for the reaper too: it holds the other end
    assert has_ended(run.stdout)


def test_a_child_that_holds_the_reapers_pipe_open_does_not_keep_it_from_its_work(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", KILLED_WITH_A_CHILD, str(tmp_path)]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=NESTED_SECONDS, check=False)
    os.kill(int(run.stdout.split("child=")[1].split(".", maxsplit=1)[0]), signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert "now removed: process" in run.stderr
    assert has_ended(run.stdout)

"""What holds for every test run: nothing is left on the machine, however the run ends."""

import asyncio
import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tools.host_packages import SYSTEM_FOLDERS
from tools.processes import traces
from tools.processes.reaper import Reaper

FILES = 8192
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans become children of this process, so none escapes the check


settings.register_profile("here", deadline=None)  # no test asserts on the wall clock
settings.load_profile("here")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the folder of a worker be called 0, not popen-gw0: the path of a socket has 107 bytes. Heed Ctrl-C.

    An ordinary user's shell often allows too few files for a server with all its clients, and has no sbin in its path.
    """
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(most, FILES)), most))
    os.environ["PATH"] += f":{SYSTEM_FOLDERS}"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what runs in its background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # or the programs under test ignore Ctrl-C too
    if os.environ.get("PYTEST_XDIST_WORKER"):
        config.option.basetemp = Path(config.option.basetemp).with_name(os.environ["PYTEST_XDIST_WORKER"].strip("gw"))


@pytest.fixture(scope="session", autouse=True)
def _no_forgotten_loop() -> None:
    """Keep looptime from making an event loop for a test that has none: nobody would close it."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session", autouse=True)
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of this run's files. At the end, what is left of the run is cleaned up and fails the run."""
    folder = tmp_path_factory.getbasetemp().resolve()
    os.environ[traces.MARK] = str(folder)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with Reaper(folder, remove=False):
        yield folder
        left = traces.find(folder, children=True).lines()
        traces.clean(folder, children=True)
    if left:
        pytest.fail("the run left behind (now cleaned up):\n" + "\n".join(left), pytrace=False)

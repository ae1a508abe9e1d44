"""One control plane for all tests of this folder; each test leaves it without a release."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.cluster.control_plane import PROGRAMS, ControlPlane
from tools import go_programs
from tools.processes.program import until

GONE_SECONDS = 60.0


def started(folder: Path) -> Iterator[ControlPlane]:
    """Run a control plane in ``folder``, or skip the test if a program of it is not there."""
    if lacking := [name for name in PROGRAMS if not go_programs.path(name).exists()]:
        pytest.skip(f"needs {', '.join(lacking)}: make chart builds them")
    plane = ControlPlane(folder)
    with asyncio.Runner() as runner:
        try:
            runner.run(plane.start())
            yield plane
        finally:
            runner.run(plane.stop())


@pytest.fixture(scope="session")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    yield from started(tmp_path_factory.mktemp("plane"))


@pytest.fixture
def plane(_started: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane without a release of the chart."""
    yield _started
    for release in _started.releases():
        _started.helm("helm4", "uninstall", release, "--namespace=kube-system")
    with asyncio.Runner() as runner:
        runner.run(until(lambda: not _started.pods() or None, GONE_SECONDS))

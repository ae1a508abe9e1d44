"""Loop devices are needed here, and so root: everything is skipped without."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.disks import loopdevices

MISSING = (
    "needs root: loop devices and device nodes"
    if os.geteuid() != 0
    else "needs /dev/loop-control"
    if not Path("/dev/loop-control").exists()
    else ""
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MISSING and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder; no loop device may be left of it."""
    yield tmp_path / "state"
    left = loopdevices.bound_below(tmp_path / "state" / "volumes")
    for number, backing in left.items():
        loopdevices.unbind(number, backing)
    assert left == {}

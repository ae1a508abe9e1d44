"""What a start makes of the guests that it finds, with a QEMU that has no machine; the real one: tests/vm/cloud."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from localcloud.disks.base import Disk, DiskError
from localcloud.disks.guests import GuestDisks
from localcloud.guests.machine import Image
from tests.fakes import qemu_program
from tools.processes.run import run_python

pytestmark = pytest.mark.asyncio

ON = True


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    qemu_program.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


@pytest_asyncio.fixture
async def cloud(state: Path) -> AsyncIterator[GuestDisks]:
    made = GuestDisks(state, Image(state), None, 64)
    yield made
    await made.close(for_good=True)


@pytest.fixture
def left(state: Path) -> Path:
    """The state folder of a cloud that was killed; two guests live on, each with a volume."""
    run_python("tests.unit.localcloud.disks.earlier", str(state), "1=a", "2=b")
    return state


def disk(volume: str, droplet: int | None) -> Disk:
    return Disk(volume, f"pvc-{volume}", 1, droplet)


def guests(folder: Path) -> dict[int, list[str]]:
    """Return the guests that run, by droplet, with the volumes that each sees."""
    places = [pid.parent for pid in folder.glob("droplets/*/pid") if Path("/proc", pid.read_text(), "cwd").exists()]
    return {int(place.name): json.loads((place / "seen").read_text()) for place in places}


def pids(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("droplets/*/pid"))]


async def test_droplets_that_are_on_run_and_see_their_volumes(cloud: GuestDisks, state: Path) -> None:
    for volume in ("a", "loose", "forgotten"):
        await cloud.create(volume, 1, None)
    await cloud.reconcile([disk("a", 1), disk("loose", None)], [], {1: ON, 2: not ON})
    assert guests(state) == {1: ["pvc-a"]}
    assert sorted(path.name for path in (state / "volumes").iterdir()) == ["a.img", "loose.img"]


async def test_guests_that_outlived_the_cloud_are_taken_over_also_when_their_volumes_have_changed_places(
    cloud: GuestDisks, left: Path
) -> None:
    before = pids(left)
    await cloud.reconcile([disk("a", 2), disk("b", 1)], [], {1: ON, 2: ON})  # each file is locked by whoever has it
    assert guests(left) == {1: ["pvc-b"], 2: ["pvc-a"]}
    assert pids(left) == before


async def test_guests_of_droplets_that_are_off_or_gone_are_ended_and_the_gone_leave_nothing(
    cloud: GuestDisks, left: Path
) -> None:
    assert guests(left) == {1: ["pvc-a"], 2: ["pvc-b"]}
    await cloud.reconcile([disk("a", None)], [], {2: not ON})
    assert guests(left) == {}
    assert [path.name for path in (left / "droplets").iterdir()] == ["2"]


async def test_a_volume_without_its_file_keeps_the_cloud_from_starting(cloud: GuestDisks) -> None:
    with pytest.raises(DiskError, match="no file for nowhere"):
        await cloud.reconcile([disk("nowhere", None)], [], {})

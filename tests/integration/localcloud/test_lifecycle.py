"""What keeps a cloud from starting is said in one line, and leaves nothing behind."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.disks import loopdevices
from tools.processes.run import complaint, run
from tools.services import localcloud
from tools.services.localcloud import Process


def refused(*options: str) -> str:
    """Start a cloud that can't; return what it said."""
    return complaint(sys.executable, "-m", "localcloud", "--listen=127.0.0.1:0", *options, status=1)


@pytest.fixture
def without_devices(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "nodev"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "nodev", "none", str(folder))
    yield folder
    run("umount", str(folder))


def test_a_file_system_without_devices_is_refused_at_once(without_devices: Path) -> None:
    said = refused(f"--state={without_devices}")
    assert "nodev" in said
    assert said.count("\n") == 1


@pytest.mark.asyncio
async def test_state_that_was_made_without_disks_is_refused(state: Path) -> None:
    with Process(state, "--disks=none") as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
    assert volume_id in refused(f"--state={state}")


@pytest.mark.asyncio
async def test_an_address_that_is_taken_leaves_no_device_behind(state: Path) -> None:
    with Process(state, "--action-latency=0") as process:
        async with localcloud.client(process) as api:
            await api.act(await api.create("data"), "attach", droplet_id=process.ready.droplets[0].id)
    with Process(state.with_name("other")) as other:
        taken = other.ready.address.removeprefix("http://").rstrip("/")
        assert "in use" in refused(f"--state={state}", f"--listen={taken}")
    assert loopdevices.bound_below(state / "volumes") == {}

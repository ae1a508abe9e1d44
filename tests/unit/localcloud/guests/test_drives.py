"""Attach, detach and what goes wrong with volumes, as QEMU's monitor is told; the real one: tests/vm/cloud."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from localcloud.guests.drives import Drive, Drives
from localcloud.guests.errors import GuestError
from localcloud.guests.monitor import Monitor
from tests.fakes.qemu import FakeQemu, fake_monitor

pytestmark = pytest.mark.asyncio

NAME = "pvc-9f1c2d3e-0a1b-4c5d-8e7f-001122334455"


@pytest_asyncio.fixture
async def qemu(tmp_path: Path) -> AsyncIterator[FakeQemu]:
    async with fake_monitor(tmp_path / "qmp") as fake:
        yield fake


@pytest_asyncio.fixture
async def drives(qemu: FakeQemu, tmp_path: Path) -> AsyncIterator[Drives]:
    assert not qemu.ended.is_set()
    monitor = Monitor()
    await monitor.connect(tmp_path / "qmp")
    yield Drives(monitor)
    await monitor.close()


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    (tmp_path / "disk.img").touch()
    return Drive(NAME, tmp_path / "disk.img")


async def test_a_volume_is_a_disk_of_the_vendor_do_that_tells_its_whole_name(
    drives: Drives, qemu: FakeQemu, drive: Drive
) -> None:
    await drives.attach(drive)
    (device,) = qemu.devices.values()
    told = {key: device[key] for key in ("vendor", "product", "device_id", "serial")}
    assert told == {"vendor": "DO", "product": "Volume", "device_id": NAME, "serial": NAME[:36]}
    assert await drives.names() == {NAME}


async def test_attach_and_detach_may_be_repeated_and_leave_nothing(
    drives: Drives, qemu: FakeQemu, drive: Drive
) -> None:
    for _ in range(2):
        await drives.attach(drive)
    for _ in range(2):
        await drives.detach(NAME)
    assert (qemu.devices, qemu.nodes, qemu.groups) == ({}, {}, {})


@pytest.mark.parametrize("changes", range(4))
async def test_an_attach_that_was_cut_short_is_finished_by_the_next_one(
    drives: Drives, qemu: FakeQemu, drive: Drive, changes: int, tmp_path: Path
) -> None:
    await _cut(drives, qemu, drive, changes)
    again = await _again(tmp_path)
    await Drives(again).attach(drive)
    assert await Drives(again).names() == {NAME}
    await again.close()


@pytest.mark.parametrize("changes", range(4))
async def test_what_a_cut_attach_has_left_goes_when_it_is_not_wanted(
    drives: Drives, qemu: FakeQemu, drive: Drive, changes: int, tmp_path: Path
) -> None:
    await _cut(drives, qemu, drive, changes)
    again = await _again(tmp_path)
    await Drives(again).keep_only({"another"})
    assert (qemu.devices, qemu.nodes, qemu.groups) == ({}, {}, {})
    await again.close()


async def test_only_the_wanted_volumes_are_kept(drives: Drives, drive: Drive, tmp_path: Path) -> None:
    (tmp_path / "other.img").touch()
    await drives.attach(drive)
    await drives.attach(Drive("other", tmp_path / "other.img"))
    await drives.keep_only({NAME})
    assert await drives.names() == {NAME}


async def test_a_file_that_another_guest_has_is_refused(drives: Drives, drive: Drive, tmp_path: Path) -> None:
    await drives.attach(drive)
    async with fake_monitor(tmp_path / "other"):
        monitor = Monitor()
        await monitor.connect(tmp_path / "other")
        with pytest.raises(GuestError, match="lock"):
            await Drives(monitor).attach(drive)
        await monitor.close()


async def test_errors_are_put_below_the_filter_and_taken_out_again(
    drives: Drives, qemu: FakeQemu, drive: Drive
) -> None:
    await drives.attach(drive)
    sound = dict(qemu.nodes)
    await drives.fail(NAME, "write", "flush")
    (errors,) = (node for node in qemu.nodes.values() if node["driver"] == "blkdebug")
    (filter_,) = (node for node in qemu.nodes.values() if node["driver"] == "throttle")
    assert filter_["file"] == errors["node-name"]
    assert [rule["iotype"] for rule in errors["inject-error"]] == ["write", "flush"]  # type: ignore[attr-defined]
    await drives.fail(NAME)
    assert qemu.nodes == sound


async def test_a_volume_that_hangs_is_let_go_before_it_is_taken_away(
    drives: Drives, qemu: FakeQemu, drive: Drive
) -> None:
    await drives.attach(drive)
    await drives.hang(NAME)
    assert [*qemu.groups.values()] == [{"bps-total": 1}]
    await drives.detach(NAME)
    assert (qemu.devices, qemu.nodes, qemu.groups) == ({}, {}, {})


async def test_a_monitor_that_hangs_up_is_an_error_of_the_guest(drives: Drives, qemu: FakeQemu, drive: Drive) -> None:
    qemu.break_after = 0
    with pytest.raises(GuestError, match="object-add"):
        await drives.attach(drive)


async def _cut(drives: Drives, qemu: FakeQemu, drive: Drive, changes: int) -> None:
    qemu.break_after = changes
    with suppress(GuestError):
        await drives.attach(drive)
    qemu.break_after = None


async def _again(tmp_path: Path) -> Monitor:
    monitor = Monitor()
    await monitor.connect(tmp_path / "qmp")
    return monitor

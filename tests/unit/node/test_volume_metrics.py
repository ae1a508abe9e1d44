"""Metrics of volumes: asked once a minute, each volume by itself, and shown from memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client.registry import CollectorRegistry

from common import errors, settings
from common.exposition import Form, render
from common.tasks import Tasks
from node import refusals, wiring
from node.health import Health
from node.host.command import Commands
from node.host.host import Host
from node.host.sysfs import Sysfs
from node.records.findings import Finding, Usage
from node.records.kernel import Facts, IoCounts
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.refusals import Refusals
from node.settings import NodeSettings
from node.stats import Stats
from node.volume_metrics import VolumeMetrics
from node.volume_watch import EVERY_SECONDS, MOST, VolumeWatch

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

GIB = 1 << 30
SERIES = 40  # of a volume, at most
USAGE = Usage(GIB, 300, 700, 64, 5, 59)


class Disks(Sysfs):
    """Disks in memory, by number: each a loop device that is bound to its volume's file."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"), Path("/nowhere"))
        self.sequences: dict[str, str] = {}

    def facts(self, number: str) -> Facts | None:
        sequence = self.sequences.get(number)
        name = f"loop{number.partition(':')[2]}"
        return None if sequence is None else Facts(name, number, GIB, backing_file="/v/id-1.img", sequence=sequence)

    def io(self, number: str) -> IoCounts | None:
        sequence = self.sequences.get(number)
        return None if sequence is None else IoCounts(sequence, 1, 512, 0.5, 2, 1024, 0.25, 3, 0.75, 4)


async def passing(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)  # noqa: TID251  # it is the time itself that is waited for


@dataclass(frozen=True)
class Bare(Host):
    """A host without threads."""

    async def facts(self, number: str) -> Facts | None:
        return self.sysfs.facts(number)


@dataclass
class Asked(Stats, Health):
    """What volumes answer: by id, how full each is; one that hangs never answers."""

    hanging: set[str] = field(default_factory=set)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def usage(self, place: VolumePath) -> Usage:
        self.paths.append(place.path)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await passing(3600 if place.volume_id in self.hanging else 0.1)
        finally:
            self.at_once -= 1
        if place.volume_id not in self.hanging:
            return USAGE
        raise errors.OutcomeUnknown("it hangs")

    async def of_volume(self, place: VolumePath) -> tuple[Finding, ...]:
        if place.volume_id in self.findings:
            return self.findings[place.volume_id]
        raise errors.NotFound("not here")


@dataclass(frozen=True)
class World:
    """A node with volumes."""

    host: Host
    disks: Disks
    asked: Asked
    refused: Refusals
    volumes: VolumeWatch
    registry: CollectorRegistry
    tasks: Tasks

    def stage(self, number: int, kind: str = "ext4", disk: str = "") -> None:
        """A volume is staged."""
        self.disks.sequences[disk or f"7:{number}"] = str(number)
        path = f"/kubelet/plugins/kubernetes.io/csi/driver/{number}/globalmount"
        self.host.state.write(Staged(f"id-{number}", f"pvc-{number}", path, f"7:{number}", kind, disk=disk))

    def page(self) -> list[str]:
        """Return the lines of the page with a sample of a volume."""
        lines = render(self.registry, Form.TEXT).decode().splitlines()
        return [line for line in lines if line.startswith("aiocsi_volume_")]

    def value(self, name: str, number: int = 1, **labels: str) -> str | None:
        """Return a sample's value."""
        wanted = {"persistentvolume": f"pvc-{number}", "volume_id": f"id-{number}", **labels}
        inside = ",".join(f'{key}="{value}"' for key, value in sorted(wanted.items()))
        values = [line.split()[-1] for line in self.page() if line.startswith(f"aiocsi_volume_{name}{{{inside}}}")]
        return values[0] if values else None


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    chosen = settings.read(NodeSettings, [], "node", "tests", {"AIOCSI_STATE_DIR": str(tmp_path)})
    real, disks, tasks = wiring.unloaded_host(chosen, Commands()), Disks(), Tasks()
    real.state.load("boot")
    host = Bare(**{**vars(real), "sysfs": disks})
    asked, refused, registry = Asked(), Refusals(), CollectorRegistry()
    volumes = VolumeWatch(host, asked, asked, tasks)
    VolumeMetrics(registry).watch(volumes, disks, refused)
    yield World(host, disks, asked, refused, volumes, registry, tasks)
    await tasks.close()


async def test_a_volume_tells_of_its_space_its_disk_and_what_it_is(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    found = {name: world.value(name) for name in ("size_bytes", "used_bytes", "inodes_used", "written_bytes_total")}
    assert found == {
        "size_bytes": "1.073741824e+09",
        "used_bytes": "300.0",
        "inodes_used": "5.0",
        "written_bytes_total": "1024.0",
    }
    assert world.value("info", device="loop1", fstype="ext4", encrypted="false") == "1.0"
    assert len(world.page()) <= SERIES


async def test_a_volume_has_the_name_of_its_persistent_volume_and_is_asked_where_kubelet_asks(world: World) -> None:
    world.stage(1)
    target = "/kubelet/pods/uid/volumes/kubernetes.io~csi/pv-by-hand/mount"
    world.host.state.write(Published("id-1", target, block=False, read_only=False))
    world.volumes.look()
    await passing(1)
    assert world.asked.paths == [target]
    assert world.value("used_bytes", persistentvolume="pv-by-hand") == "300.0"


async def test_a_raw_block_volume_has_a_size_and_no_usage_and_is_not_asked(world: World) -> None:
    world.stage(1, kind="")
    world.volumes.look()
    await passing(1)
    assert world.asked.paths == []
    assert (world.value("size_bytes"), world.value("used_bytes")) == ("1.073741824e+09", None)
    assert world.value("info", device="loop1", fstype="block", encrypted="false") == "1.0"


async def test_an_encrypted_volume_has_the_counters_of_its_disk(world: World) -> None:
    world.stage(1, disk="7:9")
    world.volumes.look()
    await passing(1)
    assert world.value("reads_completed_total") == "1.0"
    assert world.value("info", device="loop9", fstype="ext4", encrypted="true") == "1.0"


async def test_another_disk_with_the_same_number_gives_no_counters(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    world.disks.sequences["7:1"] = "another"
    assert world.value("reads_completed_total") is None
    assert world.value("used_bytes") == "300.0"


async def test_each_volume_is_asked_once_a_minute_however_often_somebody_scrapes(world: World) -> None:
    world.stage(1)
    world.tasks.background(world.volumes.keep(), "volume metrics")
    for _ in range(30):
        world.page()
        await passing(10 * EVERY_SECONDS / 30)
    assert 9 <= len(world.asked.paths) <= 10


async def test_a_file_system_that_hangs_keeps_back_its_own_figures_alone(world: World) -> None:
    for number in range(1, 16):
        world.stage(number)
    world.asked.hanging = {"id-1", "id-2", "id-3"}
    world.volumes.look()
    await passing(5)
    assert [number for number in range(1, 16) if world.value("used_bytes", number) is None] == [1, 2, 3]
    assert world.asked.most <= 4
    for _ in range(10):
        await passing(EVERY_SECONDS)
        world.volumes.look()
    assert world.asked.at_once == 3


async def test_a_volume_that_was_unstaged_has_no_series(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    world.host.state.remove(Staged, "id-1")
    assert world.page() == []


async def test_the_number_of_volumes_is_bounded(world: World) -> None:
    for number in range(1, MOST + 20):
        world.stage(number, kind="")
    world.volumes.look()
    await passing(1)
    assert len([line for line in world.page() if line.startswith("aiocsi_volume_info")]) == MOST


async def test_what_is_wrong_with_a_volume_is_told_once_by_status_and_reason(world: World) -> None:
    world.stage(1)
    world.asked.findings["id-1"] = tuple(Finding("degraded", "DeviceErrors", text) for text in ("one", "two"))
    world.volumes.look()
    await passing(1)
    assert world.value("health", status="degraded", reason="DeviceErrors") == "1.0"
    assert len([line for line in world.page() if line.startswith("aiocsi_volume_health")]) == 1


async def test_a_volume_that_was_refused_here_is_told_of_until_it_has_left(world: World) -> None:
    with pytest.raises(errors.Unavailable), world.refused.noting(refusals.STAGE, "id-1", "pvc-1"):
        raise errors.Unavailable("no disk", reason="DeviceMissing")
    assert world.value("health", status="inaccessible", reason="DeviceMissing") == "1.0"
    world.refused.forget("id-1")
    assert world.page() == []

"""Volumes of a node that are looked at, without disks."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.registry import CollectorRegistry

from common import errors
from common.exposition import Form, render
from common.tasks import Tasks
from node.health import Health
from node.host.host import Host
from node.host.sysfs import Sysfs
from node.records.findings import Finding, Usage
from node.records.kernel import Facts, IoCounts
from node.records.requests import VolumePath
from node.records.state import Staged
from node.refusals import Refusals
from node.stats import Stats
from node.volume_watch import VolumeWatch

GIB = 1 << 30

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

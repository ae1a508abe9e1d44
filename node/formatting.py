"""Make a file system on a device that may have one, so that an interrupted mkfs is known for what it is."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import structlog

from node.format_guard import FormatGuard, Rule
from node.host.devices import Device
from node.host.host import Host
from node.records.probes import Probe
from node.records.requests import Filesystem, VolumeSpec
from node.records.state import Intent
from node.rules import encryption, formatting
from node.rules.formatting import Format, Keep

log = structlog.get_logger()

Release = Callable[[], Awaitable[None]]  # gives up our own claim on a device, just before a program makes its own


class Content(Protocol):
    """What may become of a device's content."""

    async def decide(self, volume: VolumeSpec, wanted: Filesystem, device: Device) -> tuple[Probe, Keep | Format]:
        """Return what is on the device, and what to do with it. Raises FailedPrecondition if that is nothing."""

    async def format(
        self, volume: VolumeSpec, wanted: Filesystem, device: Device, decision: Format, release: Release
    ) -> None:
        """Make the file system."""

    async def hand_out(self, volume: VolumeSpec, device: Device) -> None:
        """Prepare for use as a raw block device, whose content is no one's business. Raises FailedPrecondition."""


class Formatter:
    """The content of a disk as it is."""

    def __init__(self, host: Host, examiner: FormatGuard) -> None:
        self._host = host
        self._examiner = examiner

    async def decide(self, volume: VolumeSpec, wanted: Filesystem, device: Device) -> tuple[Probe, Keep | Format]:
        """See ``Content``."""
        return await self._examiner.decide(volume, device, self._rule(volume, wanted))

    async def format(
        self, volume: VolumeSpec, wanted: Filesystem, device: Device, decision: Format, release: Release
    ) -> None:
        """See ``Content``."""
        await self._examiner.begin(volume, wanted.kind, device, decision, self._rule(volume, wanted))
        await release()
        await self._host.filesystems.make(wanted, device, wipe=decision.wipe, lazy=not decision.wipe)
        await self._examiner.end(volume)
        name = device.facts.kernel_name
        log.info("formatted", volume_id=volume.id, kind=wanted.kind, device=name, resumed=decision.wipe)

    async def hand_out(self, volume: VolumeSpec, device: Device) -> None:
        """See ``Content``; what a pod writes to the device is no half-made file system."""
        _, header = await self._host.prober.head(device)
        encryption.check_plain(volume, header)
        await self._host.forget(Intent, volume.id)

    def _rule(self, volume: VolumeSpec, wanted: Filesystem) -> Rule[Keep]:
        return partial(_decide, volume, wanted, self._examiner.boot)


def _decide(
    volume: VolumeSpec, wanted: Filesystem, boot: str, probe: Probe, intent: Intent | None
) -> formatting.Decision:
    return formatting.decide(volume, wanted, probe, intent, boot)

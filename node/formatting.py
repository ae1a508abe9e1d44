"""Decide whether a device is formatted, and format it so that an interrupted mkfs is known for what it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from common import errors
from node.host.devices import Device
from node.host.host import Host
from node.records import Filesystem, Intent, Probe, Volume
from node.rules import formatting

log = structlog.get_logger()


class Formatter:
    """Formats devices. ``settle_seconds`` lie between the two looks that must both find a device blank."""

    def __init__(self, host: Host, boot: str, settle_seconds: float = 0.0) -> None:
        self._host = host
        self._boot = boot
        self._settle_seconds = settle_seconds

    async def decide(
        self, volume: Volume, wanted: Filesystem, device: Device
    ) -> tuple[Probe, formatting.Use | formatting.Format]:
        """Return what is on the device, and what to do with it. Raises FailedPrecondition if that is nothing."""
        intent = self._host.journal.read(Intent, volume.id)
        probe = await self._host.prober.probe(device)
        decision = self._ask(volume, wanted, probe, intent)
        if isinstance(decision, formatting.Scan):
            probe = replace(probe, scan=await self._host.prober.scan(device))
            decision = self._ask(volume, wanted, probe, intent)
        if isinstance(decision, formatting.Scan):
            raise errors.Unavailable(f"the device of volume {volume.id} was read, and nothing came of it")
        if isinstance(decision, formatting.Use) and intent is not None:
            await self._host.forget(Intent, volume.id)
        return probe, decision

    async def format(
        self,
        volume: Volume,
        wanted: Filesystem,
        device: Device,
        decision: formatting.Format,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        """Make the file system. ``release`` gives up our own claim on the device, just before mkfs makes its own."""
        facts = device.facts
        intent = Intent(volume.id, wanted.kind, facts.size_bytes, self._boot, facts.sequence)
        await self._host.remember(intent, sync=True)
        if not decision.wipe:
            await self._look_again(volume, wanted, device)
        await release()
        await self._host.filesystems.make(wanted, device, wipe=decision.wipe)
        await self._host.forget(Intent, volume.id)
        log.info("formatted", volume=volume.id, kind=wanted.kind, device=facts.kernel_name, resumed=decision.wipe)

    async def _look_again(self, volume: Volume, wanted: Filesystem, device: Device) -> None:
        """Read the device once more after a pause: some clouds show zeros for a moment after an attach."""
        if self._settle_seconds <= 0:
            return
        await asyncio.sleep(self._settle_seconds)  # noqa: TID251  # the time itself is what is asked for
        probe = replace(await self._host.prober.probe(device), scan=await self._host.prober.scan(device))
        try:
            if isinstance(self._ask(volume, wanted, probe, intent=None), formatting.Format):
                return
            raise errors.Unavailable(f"the device of volume {volume.id} read blank at first, and has data now")
        except errors.DriverError:
            await self._host.forget(Intent, volume.id)
            raise

    def _ask(self, volume: Volume, wanted: Filesystem, probe: Probe, intent: Intent | None) -> formatting.Decision:
        return formatting.decide(volume, wanted, probe, intent, self._boot)

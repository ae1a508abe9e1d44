"""Look at a device that may be formatted, so that nothing is formatted unproven, and an interrupted format is known."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from common import errors
from node.codes import Code
from node.host.devices import Device
from node.host.host import Host
from node.records.probes import Probe
from node.records.requests import VolumeSpec
from node.records.state import Intent
from node.rules.formatting import Format, ScanFirst

Found = TypeVar("Found")

Rule = Callable[[Probe, Intent | None], Found | ScanFirst | Format]


class FormatGuard:
    """Looks at devices. ``settle_seconds`` lie between the two looks that must both find one blank."""

    def __init__(self, host: Host, boot: str, settle_seconds: float = 0.0) -> None:
        self._host = host
        self.boot = boot
        self._settle_seconds = settle_seconds

    async def decide(self, volume: VolumeSpec, device: Device, rule: Rule[Found]) -> tuple[Probe, Found | Format]:
        """Return what is on the device, and what the rule says. Raises FailedPrecondition if it says: nothing."""
        intent = self._host.state.read(Intent, volume.id)
        probe = await self._host.prober.probe(device)
        decision = rule(probe, intent)
        if isinstance(decision, ScanFirst):
            probe = replace(probe, scan=await self._host.prober.scan(device))
            decision = rule(probe, intent)
        if isinstance(decision, ScanFirst):
            raise errors.Unavailable(
                f"reading the device of volume {volume.id} has not shown what is on it", error_code=Code.DEVICE_CHANGED
            )
        if not isinstance(decision, Format) and intent is not None:
            await self._host.forget(Intent, volume.id)
        return probe, decision

    async def begin(self, volume: VolumeSpec, kind: str, device: Device, decision: Format, rule: Rule[Found]) -> None:
        """Remember that a format begins, synced to the disk, and make sure that the device is still blank."""
        intent = Intent(volume.id, kind, device.facts.size_bytes, self.boot, device.facts.sequence)
        await self._host.remember(intent, sync=True)
        if not decision.wipe:
            await self._look_again(volume, device, rule)

    async def end(self, volume: VolumeSpec) -> None:
        """Forget the format: it has ended well."""
        await self._host.forget(Intent, volume.id)

    async def _look_again(self, volume: VolumeSpec, device: Device, rule: Rule[Found]) -> None:
        """Read the device once more after a pause: some clouds show zeros for a moment after an attach."""
        if self._settle_seconds <= 0:
            return
        await asyncio.sleep(self._settle_seconds)  # noqa: TID251  # the time itself is what is asked for
        probe = replace(await self._host.prober.probe(device), scan=await self._host.prober.scan(device))
        try:
            if isinstance(rule(probe, None), Format):
                return
            raise errors.Unavailable(
                f"the device of volume {volume.id} read blank at first, and has data now",
                error_code=Code.DEVICE_CHANGED,
            )
        except errors.DriverError:
            await self.end(volume)
            raise

"""Refuse an ext file system that another host has mounted, where multiple mount protection shows it.

Neither e2fsck nor a mount for writing harms such a file system, but both wait for long before they say so; a mount for
reading does not ask, and replays the journal.
"""

import asyncio

from common import deadlines
from node.host.devices import Device
from node.host.host import Host
from node.records.probes import Probe
from node.records.requests import VolumeSpec
from node.rules import multiple_mount

LOOK_SECONDS = 1.0


async def refuse(host: Host, volume: VolumeSpec, probe: Probe, device: Device) -> None:
    """Return when no host has written for long enough. Raises FailedPrecondition if one has, or has not unmounted it.

    A host that is at work writes every few seconds, so it is found sooner.
    """
    block = probe.superblock
    if block is None or block.mmp_at is None:
        return
    first = await host.prober.multiple_mount(device, block.mmp_at)
    left = multiple_mount.seconds_to_watch(volume.id, block, first, deadlines.remaining())
    while left > 0 and first is not None:
        pause = min(LOOK_SECONDS, left)
        await asyncio.sleep(pause)  # noqa: TID251  # a write of another host tells nobody
        left -= pause
        multiple_mount.check_still(volume.id, block, first, await host.prober.multiple_mount(device, block.mmp_at))

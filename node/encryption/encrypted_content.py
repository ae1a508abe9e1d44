"""The content of an encrypted volume, seen through its open mapper.

The header says whether the content was ever in use. That is written after mkfs has ended, and before anything is
mounted or handed out: as long as the content is new, whatever is in it may be overwritten (decision 0012).
"""

import structlog

from node.formatting import Release
from node.host.devices import Device
from node.host.host import Host
from node.records.probes import Probe
from node.records.requests import Filesystem, VolumeSpec
from node.rules import encryption
from node.rules.formatting import Format, Keep

log = structlog.get_logger()


class Payload:
    """The content of one volume, whose header is on ``disk``."""

    def __init__(self, host: Host, disk: Device, *, is_new: bool, may_write: bool) -> None:
        self._host = host
        self._disk = disk
        self._is_new = is_new
        self._may_write = may_write

    async def decide(self, volume: VolumeSpec, wanted: Filesystem, device: Device) -> tuple[Probe, Keep | Format]:
        """See ``formatting.Content``."""
        probe = await self._host.prober.probe(device)
        decision = encryption.decide_content(volume, wanted, probe, is_new=self._is_new)
        if isinstance(decision, Keep):
            await self._mark_in_use(volume)
        return probe, decision

    async def format(
        self,
        volume: VolumeSpec,
        wanted: Filesystem,
        device: Device,
        decision: Format,
        release: Release,
    ) -> None:
        """See ``formatting.Content``.

        An ext may zero its inode tables later although the content is noise: their checksums tell noise from an inode,
        and without checksums (ext3) mkfs writes them at once.
        """
        await release()
        await self._host.filesystems.make(wanted, device, wipe=decision.wipe, lazy=True)
        log.info("formatted", volume_id=volume.id, kind=wanted.kind, device=device.facts.kernel_name, encrypted=True)
        await self._mark_in_use(volume)

    async def hand_out(self, volume: VolumeSpec, device: Device) -> None:  # noqa: ARG002  # noise may be handed out
        """See ``formatting.Content``."""
        await self._mark_in_use(volume)

    async def _mark_in_use(self, volume: VolumeSpec) -> None:
        if self._is_new and self._may_write:
            await self._host.luks.name(volume.id, encryption.IN_USE, self._disk)
            self._is_new = False

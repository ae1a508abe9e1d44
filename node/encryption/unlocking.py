"""Make an encrypted volume's content a device: find its header or write it, open the mapper, close it again.

A header is written only where a file system would be made (see ``examining``). A mapper that an interrupted call has
left open is used, once it is proven to lie on this disk and this header; one whose disk is gone is closed first.

Sources: cryptsetup(8); kernel Documentation/admin-guide/device-mapper/dm-crypt.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from common import errors
from common.encryption import Encryption
from node.codes import Code
from node.encryption import passphrases
from node.encryption.encrypted_content import Payload
from node.format_guard import FormatGuard
from node.formats import cryptsetup_argv
from node.formatting import Content, Formatter, Release
from node.host.devices import Device
from node.host.host import Host
from node.records.kernel import Facts, Mapper
from node.records.luks import Header
from node.records.probes import Probe
from node.records.requests import Keys, Stage, VolumeSpec
from node.records.state import Intent, Staged
from node.rules import encryption
from node.rules.encryption import Open, Reuse, Unlock
from node.rules.formatting import Format, ScanFirst

log = structlog.get_logger()

SECTOR_BYTES = 4096  # the largest of LUKS: what a disk has beyond the last one stays unused


@dataclass(frozen=True)
class Opened:
    """The device that a volume is used through, and what may become of its content."""

    device: Device
    content: Content


class Unlocking:
    """Opens volumes for use; the caller has the volume's turn."""

    def __init__(self, host: Host, examiner: FormatGuard, formatter: Formatter) -> None:
        self._host = host
        self._examiner = examiner
        self._formatter = formatter

    @asynccontextmanager
    async def opened(self, wanted: Stage, disk: Device) -> AsyncIterator[Opened]:
        """Yield the device to use: the disk itself, or the mapper of an encrypted volume, which stays open."""
        asked = wanted.volume.encryption
        if asked is None:
            yield Opened(disk, self._formatter)
            return
        may_write = not (wanted.read_only or disk.facts.read_only)
        mapper, header = await self._unlock(wanted.volume, asked, wanted.keys, disk, may_write=may_write)
        async with self._host.devices.hold_mapper(mapper) as device:
            is_new = header.subsystem == encryption.NEW
            yield Opened(device, Payload(self._host, disk, is_new=is_new, may_write=may_write))

    async def find(self, volume: VolumeSpec, disk: Device) -> Mapper:
        """Return the volume's open mapper. Raises FailedPrecondition if it is not open, or on something else."""
        mapper = await self._host.mapper(volume.id)
        _, header = await self._host.prober.head(disk)
        if header is None or mapper is None or not await self._is_open(volume, mapper, disk, header):
            raise errors.FailedPrecondition(
                f"the mapper of encrypted volume {volume.id} is not open",
                remedy="nothing to do: kubelet stages the volume first; by hand, call NodeStageVolume",
                error_code=Code.MAPPER,
            )
        return mapper

    async def _unlock(
        self, volume: VolumeSpec, asked: Encryption, keys: Keys, disk: Device, *, may_write: bool
    ) -> tuple[Mapper, Header]:
        """Return the open mapper. Whoever may not write leaves the header as it is."""
        mapper = await self._host.mapper(volume.id)
        known = self._host.state.read(Staged, volume.id)
        if mapper is not None and known is not None and known.number == mapper.number:
            _, header = await self._host.prober.head(disk)
            if header is not None and await self._is_open(volume, mapper, disk, header):
                return mapper, header  # staged already: nothing is to be derived again
        if not keys.passphrase:
            raise errors.InvalidArgument(
                f"volume {volume.id} is encrypted, and the call has no secret encryption-passphrase",
                remedy="name the Secret in the class: csi.storage.k8s.io/node-stage-secret-name and -namespace",
                error_code=Code.NO_PASSPHRASE,
            )
        async with AsyncExitStack() as claim:
            await self._claim(volume, mapper, disk, claim)
            unlock = await self._header(volume, asked, keys, disk, claim.aclose)
            key = await self._key(volume, asked, keys, disk, may_write=may_write)
            await claim.aclose()
            await self._open(volume, asked, key, disk, unlock)
            if unlock.adopt and may_write:
                await self._host.luks.name(volume.id, unlock.header.subsystem, disk)
        return await self._settled(volume, key, disk)

    async def _key(self, volume: VolumeSpec, asked: Encryption, keys: Keys, disk: Device, *, may_write: bool) -> bytes:
        """Return the passphrase to open the volume with; replace the one before if that may be written."""
        if may_write:
            return await passphrases.settle(self._host.luks, volume, asked, disk, keys)
        return await passphrases.choose(self._host.luks, volume, disk, keys)

    async def _claim(self, volume: VolumeSpec, mapper: Mapper | None, disk: Device, claim: AsyncExitStack) -> None:
        """Lock the disk, and claim it unless our own mapper has it."""
        if mapper is not None and mapper.disk == disk.facts.number:
            got = await self._host.prober.alone(disk)
        else:
            got = await claim.enter_async_context(self._host.prober.exclusively(disk))
        if not got:
            raise errors.Unavailable(
                f"device {disk.path} of volume {volume.id} is in use, and is to be encrypted",
                remedy="a program that works on it ends by itself; anything else has to let go of it",
                error_code=Code.DEVICE_IN_USE,
            )

    async def _header(
        self, volume: VolumeSpec, asked: Encryption, keys: Keys, disk: Device, release: Release
    ) -> Unlock:
        """Return the volume's header; write it first if the disk is blank beyond doubt."""
        rule = partial(_decide, volume, self._examiner.boot)
        _, decision = await self._examiner.decide(volume, disk, rule)
        if isinstance(decision, Format):
            await self._examiner.begin(volume, encryption.KIND, disk, decision, rule)
            await release()
            await self._host.luks.make(volume.id, asked, disk, keys.passphrase)
            log.info("encrypted", volume_id=volume.id, device=disk.facts.kernel_name, resumed=decision.wipe)
            _, decision = await self._examiner.decide(volume, disk, rule)
        if not isinstance(decision, Unlock):
            raise errors.Unavailable(
                f"the LUKS header of volume {volume.id} was written, and is not there", error_code=Code.HEADER_CHANGED
            )
        return decision

    async def _open(self, volume: VolumeSpec, asked: Encryption, key: bytes, disk: Device, unlock: Unlock) -> None:
        mapper = await self._host.mapper(volume.id)
        facts = await self._host.facts(disk.facts.number) or disk.facts
        state = encryption.decide_mapper(volume, mapper, facts, unlock.header)
        if isinstance(state, Open):
            if mapper is not None:
                log.warning("stale_mapper_closed", volume_id=volume.id, mapper=mapper.name)
                await self._host.luks.close(volume.id, mapper)
            await self._host.luks.open(volume.id, asked, disk, key)
        elif not await self._host.luks.opens(volume.id, disk, key):
            raise cryptsetup_argv.wrong_key(volume.id)

    async def _settled(self, volume: VolumeSpec, key: bytes, disk: Device) -> tuple[Mapper, Header]:
        """Return the open mapper as it is now, as large as its disk allows."""
        mapper = await self.find(volume, disk)
        _, header = await self._host.prober.head(disk)
        if header is None:
            raise errors.Unavailable(f"the LUKS header of volume {volume.id} is gone", error_code=Code.HEADER_CHANGED)
        encryption.check_header(volume.id, header, volume.encryption, disk.facts.size_bytes, copied=volume.copied)
        if is_short(mapper.size_bytes, disk.facts, header):
            await self._host.luks.resize(volume.id, key)
            mapper = await self.find(volume, disk)
        return mapper, header

    async def _is_open(self, volume: VolumeSpec, mapper: Mapper, disk: Device, header: Header) -> bool:
        facts = await self._host.facts(disk.facts.number) or disk.facts
        return isinstance(encryption.decide_mapper(volume, mapper, facts, header), Reuse)


def is_short(mapper_bytes: int, disk: Facts, header: Header) -> bool:
    """Tell whether a mapper is smaller than its disk allows."""
    return mapper_bytes + header.payload_at + SECTOR_BYTES <= disk.size_bytes


def _decide(volume: VolumeSpec, boot: str, probe: Probe, intent: Intent | None) -> Unlock | ScanFirst | Format:
    return encryption.decide(volume, probe, intent, boot)

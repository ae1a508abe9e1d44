"""Encrypted devices: headers and keys, mappers opened, grown and closed.

A passphrase goes to a program's stdin, or through a pipe, and nowhere else.

To derive a key takes memory, so only a few of these programs run at once. Closing a mapper derives none, and waits for
no one.
"""

from collections.abc import Sequence
from contextlib import nullcontext

from common.encryption import Encryption
from node.formats import cryptsetup_argv
from node.host.command import Commands, piped
from node.host.devices import Device
from node.host.slots import Slots
from node.records.kernel import Mapper
from node.rules import encryption


class Luks:
    """Runs cryptsetup; ``seconds`` are how long one may stand still. Methods raise ``cryptsetup_argv.failure``."""

    def __init__(self, commands: Commands, parallel: int, seconds: float) -> None:
        self._commands = commands
        self._slots = Slots(parallel)
        self._seconds = seconds

    async def make(self, volume_id: str, wanted: Encryption, device: Device, passphrase: bytes) -> None:
        """Write a header whose content is new."""
        argv = cryptsetup_argv.make(wanted, encryption.label(volume_id), encryption.NEW, device.pinned)
        await self._do(volume_id, argv, stdin=passphrase, files=(device.descriptor,))

    async def opens(self, volume_id: str, device: Device, passphrase: bytes) -> bool:
        """Tell whether a passphrase opens the device."""
        argv = cryptsetup_argv.test(device.pinned)
        refused = (cryptsetup_argv.WRONG_KEY,)
        status = await self._do(volume_id, argv, refused, stdin=passphrase, files=(device.descriptor,))
        return status == 0

    async def open(self, volume_id: str, wanted: Encryption, device: Device, passphrase: bytes) -> None:
        """Open the volume's mapper, which /sys does not show; read-only on a disk that is.

        A cryptsetup that was killed half-way leaves the name without a table. /sys does not show that either; it is
        removed, and whatever is in use cannot be.
        """
        name, read_only = encryption.mapper_name(volume_id), device.facts.read_only
        argv = cryptsetup_argv.open_(device.pinned, name, discards=wanted.discards, read_only=read_only)
        taken = (cryptsetup_argv.BUSY,)
        if await self._do(volume_id, argv, taken, stdin=passphrase, files=(device.descriptor,)) != 0:
            await self._do(volume_id, cryptsetup_argv.remove(name))
            await self._do(volume_id, argv, stdin=passphrase, files=(device.descriptor,))

    async def add_key(self, volume_id: str, wanted: Encryption, device: Device, old: bytes, new: bytes) -> None:
        """Let ``new`` open the device, too."""
        with piped(new) as reader:
            argv = cryptsetup_argv.add_key(wanted, device.pinned, f"/proc/self/fd/{reader}")
            await self._do(volume_id, argv, stdin=old, files=(device.descriptor, reader))

    async def remove_key(self, volume_id: str, device: Device, passphrase: bytes) -> None:
        """Let ``passphrase`` open the device no longer."""
        argv = cryptsetup_argv.remove_key(device.pinned)
        await self._do(volume_id, argv, stdin=passphrase, files=(device.descriptor,))

    async def name(self, volume_id: str, subsystem: str, device: Device) -> None:
        """Write into the header that it is the volume's, and how far its content has come."""
        argv = cryptsetup_argv.name(encryption.label(volume_id), subsystem, device.pinned)
        await self._do(volume_id, argv, files=(device.descriptor,))

    async def resize(self, volume_id: str, passphrase: bytes) -> None:
        """Make the open mapper as large as its disk."""
        argv = cryptsetup_argv.resize(encryption.mapper_name(volume_id))
        await self._do(volume_id, argv, stdin=passphrase)

    async def close(self, volume_id: str, mapper: Mapper) -> None:
        """Close the mapper; one that is gone is no error."""
        await self._do(volume_id, cryptsetup_argv.close(mapper.name), (cryptsetup_argv.NO_DEVICE,))

    async def _do(
        self,
        volume_id: str,
        argv: tuple[str, ...],
        accepted: tuple[int, ...] = (),
        *,
        stdin: bytes = b"",
        files: Sequence[int] = (),
    ) -> int:
        async with self._slots.place() if stdin else nullcontext():
            ended = await self._commands.run(*argv, seconds=self._seconds, stdin=stdin, files=files, writes=True)
        tried = ended.status != cryptsetup_argv.WRONG_KEY or cryptsetup_argv.is_wrong_key(ended.status, ended.said)
        if ended.status not in {0, *accepted} or not tried:
            raise cryptsetup_argv.failure(volume_id, argv, ended.status, ended.said)
        return ended.status

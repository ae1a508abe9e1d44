"""Find out what is on a device: what the low-level probe of blkid says, the superblock, and our own reads.

``blkid -p`` ends with 2 when it finds nothing, and also when it cannot read: alone it proves nothing.

Sources: blkid(8); systemd's "Locking Block Device Access".
"""

import asyncio
import errno
import fcntl
import mmap
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from common import deadlines, errors
from node.codes import Code
from node.formats import exit_status, luks_header, scan_ranges, superblocks
from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.threads import SECONDS, Threads
from node.records.luks import Header
from node.records.probes import MultipleMount, Probe, ScanResult, Signature, Superblock

BLKID_SECONDS = 60.0
SCAN_SECONDS = 60.0
LOCK_SECONDS = 3.0  # udev keeps a disk locked while its rules run: milliseconds, on a busy host more
CLAIM_SECONDS = 1.0  # the kernel claims a new disk while it looks for partitions, before it tells udev
PAUSE = 0.05
ANSWER_SECONDS = 1.0  # left of the caller's time to tell him who has the device
_DIRECT_BYTES = 4096  # the largest logical block of a disk (open(2), O_DIRECT)
_ZEROS = bytes(scan_ranges.ENDS_BYTES * 2)


class Prober:
    """Reads devices, and writes nothing."""

    def __init__(self, commands: Commands, threads: Threads) -> None:
        self._commands = commands
        self._threads = threads

    @asynccontextmanager
    async def exclusively(self, device: Device) -> AsyncIterator[bool]:
        """Claim the device, so that no one mounts or formats it meanwhile; yield False if another process has it.

        The lock on the device outlives the claim: each program that inherits the device's descriptor keeps it to its
        own end, even if this process is killed before. mkfs.btrfs makes no claim while it writes.
        """
        descriptor = await self._claim(device)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                await self._threads.call(partial(os.close, descriptor), SECONDS, f"closing {device.path}")

    async def alone(self, device: Device) -> bool:
        """Lock the device, which the kernel may have in use; return False if another process has locked it."""
        lock = partial(_lock, device)
        return await self._patiently(lock, f"locking {device.path}") is not None

    async def _claim(self, device: Device) -> int | None:
        return await self._patiently(partial(_claim, device), f"opening {device.path} exclusively")

    async def _patiently(self, work: Callable[[], int], what: str) -> int | None:
        """Wait for a device, since each refusal costs kubelet's back-off (0.5 s, then twice as long each time)."""
        clock = asyncio.get_running_loop().time
        begin, left = clock(), max(0.0, deadlines.remaining() - ANSWER_SECONDS)
        while True:
            try:
                return await self._threads.call(work, SECONDS, what)
            except BlockingIOError as busy:
                patience = CLAIM_SECONDS if busy.errno == errno.EBUSY else LOCK_SECONDS
            if clock() - begin >= min(patience, left):
                return None
            await asyncio.sleep(PAUSE)  # noqa: TID251  # the kernel tells nobody when a device becomes free

    async def probe(self, device: Device) -> Probe:
        """Return what is on the device, without a scan. Raises FailedPrecondition or OutcomeUnknown if that fails."""
        block, header = await self.head(device)
        argv = ("blkid", "-p", "-o", "export", device.pinned)
        ended = await self._commands.run(*argv, seconds=BLKID_SECONDS, files=(device.descriptor,))
        return Probe(device.facts, _signature(device, ended), block, header=header)

    async def head(self, device: Device) -> tuple[Superblock | None, Header | None]:
        """Return the superblock and the LUKS header. Raises FailedPrecondition if the device cannot be read."""
        return await self._threads.call(partial(read_head, device), SECONDS, f"reading {device.path}")

    async def multiple_mount(self, device: Device, at: int) -> MultipleMount | None:
        """Return the block of multiple mount protection at a byte offset, as it is on the disk now; None: it is none.

        Raises FailedPrecondition if it cannot be read.
        """
        return await self._threads.call(partial(read_mmp, device, at), SECONDS, f"reading {device.path}")

    async def scan(self, device: Device) -> ScanResult:
        """Read the device where data may lie."""
        return await self._threads.call(partial(scan, device), SCAN_SECONDS, f"reading {device.path}")


def _claim(device: Device) -> int:
    """Lock the device, and open it exclusively. Raises BlockingIOError if another has locked (EAGAIN) or claimed it."""
    _lock(device)
    try:
        return os.open(f"/proc/self/fd/{device.descriptor}", os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise BlockingIOError(errno.EBUSY, "claimed") from None
        raise errors.FailedPrecondition(
            f"cannot open {device.path}: {error.strerror}", error_code=Code.DEVICE_UNREADABLE
        ) from error


def _lock(device: Device) -> int:
    fcntl.flock(device.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return device.descriptor


def _signature(device: Device, ended: Ended) -> Signature:
    fields = dict(line.split("=", 1) for line in ended.stdout.splitlines() if "=" in line)
    if ended.status == exit_status.BLKID_FOUND:
        return Signature(fields.get("TYPE", ""), fields.get("USAGE", ""), fields.get("PTTYPE", ""))
    if ended.status == exit_status.BLKID_AMBIVALENT:
        return Signature(ambivalent=True)
    if ended.status == exit_status.BLKID_NOTHING:
        return Signature()
    raise errors.OutcomeUnknown(
        f"{device.path} cannot be probed: {ended.words}",
        remedy="look into the kernel log (dmesg); what cannot be read is never taken for blank",
        error_code=Code.DEVICE_UNREADABLE,
    )


def read_head(device: Device) -> tuple[Superblock | None, Header | None]:
    """Return the superblock of a file system that the node knows, and the LUKS header, read again from the device.

    Raises FailedPrecondition on a read error.
    """
    with _readable(device):
        os.posix_fadvise(device.descriptor, 0, superblocks.HEAD_BYTES, os.POSIX_FADV_DONTNEED)
        head = os.pread(device.descriptor, superblocks.HEAD_BYTES, 0)
    return superblocks.parse(head), luks_header.parse(head)


def read_mmp(device: Device, at: int) -> MultipleMount | None:
    """See ``Prober.multiple_mount``; blocks. Past the page cache, since another host writes the block.

    The superblock may name a place that is not on the device.
    """
    if at >= device.facts.size_bytes:
        return None
    start = at // _DIRECT_BYTES * _DIRECT_BYTES
    with _readable(device, at), mmap.mmap(-1, 2 * _DIRECT_BYTES) as buffer:  # aligned, as O_DIRECT wants it
        descriptor = os.open(device.pinned, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
        try:
            read_bytes = os.preadv(descriptor, [buffer], start)
        finally:
            os.close(descriptor)
        return superblocks.parse_mmp(buffer[at - start : min(at - start + superblocks.MMP_BYTES, read_bytes)])


@contextmanager
def _readable(device: Device, at: int = 0) -> Iterator[None]:
    """Raise FailedPrecondition on a read error."""
    try:
        yield
    except OSError as error:
        raise errors.FailedPrecondition(
            f"device {device.path} cannot be read at byte {at}: {error.strerror}",
            remedy="look into the kernel log for I/O errors; what cannot be read is never taken for blank",
            error_code=Code.DEVICE_UNREADABLE,
        ) from error


def scan(device: Device) -> ScanResult:
    """Read all ranges again from the device, not from memory; stop at the first byte that is not zero."""
    wanted = scan_ranges.ranges(device.facts.size_bytes)
    os.posix_fadvise(device.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    for offset, length in wanted:  # all at once, so that the device answers them side by side
        os.posix_fadvise(device.descriptor, offset, length, os.POSIX_FADV_WILLNEED)
    read_bytes = 0
    for offset, length in wanted:
        try:
            data = _read(device.descriptor, offset, length)
        except OSError as error:
            return ScanResult(read_bytes, failed_at=offset, reason=error.strerror or str(error))
        if len(data) < length:
            return ScanResult(read_bytes, failed_at=offset + len(data), reason="the device ends before its size")
        if not _ZEROS.startswith(data):
            return ScanResult(read_bytes, first_data=offset + length - len(data.lstrip(b"\0")))
        read_bytes += length
    return ScanResult(read_bytes)


def _read(descriptor: int, offset: int, length: int) -> bytes:
    data = os.pread(descriptor, length, offset)
    while len(data) < length and (part := os.pread(descriptor, length - len(data), offset + len(data))):
        data += part
    return data

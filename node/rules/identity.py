"""Is this device the volume? A proof that cannot be had is a refusal, never a pass.

A cloud's disks are known by vendor and model (``common.clouds``), and carry the volume's whole name, or its id, in VPD
page 0x83, as one designator: ASCII, of the logical unit, vendor specific. Page 0x80, and so the serial in lsblk, is cut
at 36 characters and proves nothing.
A loop device, which the embedded cloud attaches, is proven by its backing file, which is named after the volume.

Sources: SPC-4 7.8.6 "Device Identification VPD page"; kernel Documentation/ABI (sysfs block, loop/backing_file).
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from common import errors
from common.capability import FILE_SYSTEMS
from common.clouds import DISKS
from common.clouds.facts import DiskIdentity
from node.codes import Code
from node.records.kernel import Facts, Mount
from node.records.requests import VolumeSpec

_DELETED = " (deleted)"  # how the kernel marks such a path
DEAD = frozenset({"offline", "transport-offline", "cancel", "deleted"})  # SCSI states that no disk comes back from
_ASCII, _LOGICAL_UNIT, _VENDOR_SPECIFIC = 2, 0, 0


def prove(volume: VolumeSpec, facts: Facts, hosts: frozenset[str], own: str = "") -> None:
    """Raise FailedPrecondition unless the device is the volume, whole, alive, and not the host's own disk.

    ``hosts`` are the numbers of the host's own disks, ``own`` is the kernel name of the volume's own mapper, which may
    be stacked on it. Partitions and stacks on a raw block volume are its pods' data; whether anything uses them is
    asked of the kernel. Raises Unavailable for a state that passes.
    """
    device = f"device {facts.kernel_name} ({facts.number})"
    if not is_volume(volume, facts):
        raise errors.FailedPrecondition(
            f"{device} is not volume {volume.id} ({volume.name}): it is {describe(facts)}",
            remedy="a stale device link: detach the volume from this node and attach it again",
            error_code=Code.DEVICE_FOREIGN,
        )
    if facts.number in hosts:
        raise errors.FailedPrecondition(
            f"{device} holds files of this host: its root, kubelet's directory or the driver's state",
            remedy="check the volume's name",
            error_code=Code.DEVICE_FOREIGN,
        )
    _check_state(f"{device} of volume {volume.id} is in state {facts.state}", facts.state)
    if volume.raw and volume.encryption is None:
        return
    if others := [name for name in facts.holders + facts.partitions if name != own]:
        raise errors.FailedPrecondition(
            f"{device} of volume {volume.id} is in use by {', '.join(others)}",
            remedy="take it out of that stack (dmsetup, mdadm, vgchange -an) first; use a volume with partitions as "
            "a raw block device (volumeMode: Block)",
            error_code=Code.DEVICE_IN_USE,
        )


def _check_state(said: str, state: str) -> None:
    """Raise FailedPrecondition for a device that is dead, and Unavailable for a state that passes."""
    if state in DEAD:
        raise errors.FailedPrecondition(
            said, remedy="detach the volume and attach it again", error_code=Code.DEVICE_STATE
        )
    if state not in {"", "running"}:  # blocked, quiesce, created: the kernel is at work on it
        raise errors.Unavailable(
            said,
            remedy="that passes; if it does not, detach the volume and attach it again",
            error_code=Code.DEVICE_STATE,
        )


def check_size(volume: VolumeSpec, facts: Facts) -> None:
    """Raise FailedPrecondition if the device is smaller than the volume is said to be."""
    if facts.size_bytes < max(volume.min_bytes, 1):
        raise errors.FailedPrecondition(
            f"device {facts.kernel_name} of volume {volume.id} has {facts.size_bytes} bytes, "
            f"less than the volume's {volume.min_bytes}",
            remedy="a resize that the kernel has not seen, or an earlier disk: detach the volume and attach it again",
            error_code=Code.DEVICE_SHORT,
        )


def check_mounts(volume: VolumeSpec, facts: Facts, mounts: tuple[Mount, ...], others: frozenset[str]) -> None:
    """Raise FailedPrecondition if the device is mounted at one of ``others``, the staging paths of other volumes."""
    if taken := sorted(mount.point for mount in mounts if mount.number == facts.number and mount.point in others):
        raise errors.FailedPrecondition(
            f"device {facts.kernel_name} of volume {volume.id} is mounted for another volume at {taken[0]}",
            remedy="unstage that volume first; two volumes never share a device",
            error_code=Code.DEVICE_SHARED,
        )


def is_volume(volume: VolumeSpec, facts: Facts) -> bool:
    """Tell whether the kernel's identity of the device equals the volume's."""
    return carries(volume.id, volume.name, facts)


def of_cloud(facts: Facts, table: Sequence[DiskIdentity] = DISKS) -> DiskIdentity | None:
    """Return how such a disk says what it is; None if it is not one of a cloud."""
    return next((disk for disk in table if (facts.vendor, facts.model) == (disk.vendor, disk.model)), None)


def carries(volume_id: str, volume_name: str, facts: Facts, table: Sequence[DiskIdentity] = DISKS) -> bool:
    """Tell whether the device carries the volume's name or id, as its cloud does it, or its backing file either."""
    if facts.vendor or facts.model:
        disk = of_cloud(facts, table)
        told = "" if disk is None else disk.told(volume_id, volume_name)
        return bool(told) and told in names(facts.page83)
    return bool({volume_id, volume_name} & _backing_names(facts))


def may_be(volume_id: str, volume_name: str, facts: Facts) -> bool:
    """Tell whether the device may be the volume. Without a name, any disk of the cloud may."""
    if volume_name:
        return carries(volume_id, volume_name, facts)
    return of_cloud(facts) is not None or volume_id in _backing_names(facts)


def is_left(mount: Mount, facts: Facts | None, *, node: bool = False) -> bool:
    """Tell whether a mount may be what is left of a volume whose disk is gone; ``node``: it is that of a device node.

    The kernel takes the node away with its disk, and gives the number to another one.
    """
    if node:
        return facts is None or mount.root.endswith("//deleted")
    return facts is None and mount.kind in FILE_SYSTEMS and mount.source.startswith("/dev/")


def check_unrecorded(volume_id: str, mount: Mount, facts: Facts | None, *, node: bool = False) -> None:
    """Raise FailedPrecondition unless a mount that is in no record may be the volume's, or is what is left of one."""
    if not is_left(mount, facts, node=node) and (facts is None or not may_be(volume_id, "", facts)):
        what = f"{mount.kind} of {mount.source}" if facts is None else describe(facts)
        raise errors.FailedPrecondition(
            f"{mount.point} has a mount that is not a volume of this driver ({what}), and is left alone",
            remedy="find out what has mounted it; unmount it by hand if it is not needed",
            error_code=Code.FOREIGN_MOUNT,
        )


def prove_again(volume_id: str, volume_name: str, facts: Facts) -> None:
    """Raise FailedPrecondition unless the device under a mount is the volume.

    A volume that csi-digitalocean has staged has no record here, so its name is not known: then its device has to be
    a volume of the cloud, at least, and the mount at the path that was asked for says which.
    """
    if volume_name and not carries(volume_id, volume_name, facts):
        raise errors.FailedPrecondition(
            f"device {facts.kernel_name} is not volume {volume_id} ({volume_name}): it is {describe(facts)}",
            remedy="the volume was detached while it was in use: delete the pods that use it",
            error_code=Code.DEVICE_FOREIGN,
        )
    if not may_be(volume_id, volume_name, facts):
        raise errors.FailedPrecondition(
            f"device {facts.kernel_name} is not a volume of this cloud: {describe(facts)}",
            error_code=Code.DEVICE_FOREIGN,
        )


def is_stale(volume: VolumeSpec, facts: Facts | None, *, was_ours: bool) -> bool:
    """Tell whether a mount is the remains of a detached volume: its device is gone, dead, or another disk's by now.

    ``was_ours``: the device was the volume's when it was staged.
    """
    if facts is None or is_lost(facts):
        return True
    return facts.state in DEAD or (was_ours and not is_volume(volume, facts))


def is_lost(facts: Facts) -> bool:
    """Tell whether the device is a mapper whose disk was detached."""
    return bool(facts.mapper) and not facts.disk


def is_ghost(facts: Facts) -> bool:
    """Tell whether the device lives on only because it is still in use: a loop device whose file was deleted."""
    return facts.backing_file.endswith(_DELETED)


def describe(facts: Facts) -> str:
    """Say what the device is, for a message."""
    if facts.vendor or facts.model:
        return f"{facts.vendor} {facts.model} {', '.join(names(facts.page83)) or 'without a name'}".strip()
    return facts.backing_file or "a device without an identity"


def names(page83: bytes) -> tuple[str, ...]:
    """Return the volume names in VPD page 0x83: ASCII, of the logical unit, vendor specific."""
    return tuple(_designators(page83))


def _designators(page: bytes) -> Iterator[str]:
    end = min(len(page), 4 + int.from_bytes(page[2:4], "big"))
    at = 4
    while at + 4 <= end:
        length = page[at + 3]
        body = page[at + 4 : at + 4 + length]
        kind = (page[at] & 0xF, page[at + 1] >> 4 & 3, page[at + 1] & 0xF)
        if kind == (_ASCII, _LOGICAL_UNIT, _VENDOR_SPECIFIC) and len(body) == length:
            yield body.decode("ascii", "replace").rstrip("\0 ")
        at += 4 + length


def _backing_names(facts: Facts) -> frozenset[str]:
    """Return the backing file's name, with and without its ending; none of a file that was deleted meanwhile."""
    path = PurePosixPath(facts.backing_file)
    return frozenset() if path.name.endswith(_DELETED) else frozenset({path.name, path.stem} - {""})

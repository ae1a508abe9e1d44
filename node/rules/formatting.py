"""May this device be formatted, or is there a file system to use? Decided without I/O, from what a probe found.

mkfs is for a device that is blank beyond doubt, and for one on which our own mkfs was interrupted; everything else is
refused, with what was found and where. An interrupted mkfs is known by the intent that was synced before it, and only
while the device has stayed attached since: in between another host could have finished the format and stored data. It
leaves no whole file system: ext and btrfs write their superblock last, xfs says in it that mkfs is at work.

Sources: mke2fs, mkfs.btrfs and mkfs.xfs (the order in which they write; sb_inprogress).
"""

from dataclasses import dataclass

from common import errors
from common.capability import FILE_SYSTEMS
from common.clouds import DISKS
from node.codes import Code
from node.records.kernel import Facts
from node.records.probes import Probe, Superblock
from node.records.requests import Filesystem, VolumeSpec
from node.records.state import Intent
from node.rules import mounting

LUKS = "crypto_LUKS"  # as blkid says

_MOUNTED_AS = {"ext4": ("ext2", "ext3")}  # what the kernel mounts as if it were the other (ext4(5))

SLACK_BYTES = 16 << 20  # a file system may be that much smaller than its device by rounding alone


@dataclass(frozen=True)
class Keep:
    """The device holds the file system that is asked for."""

    grow: bool  # the device is larger than the file system


@dataclass(frozen=True)
class ScanFirst:
    """No signature: read the device before deciding."""


@dataclass(frozen=True)
class Format:
    """The device is blank, or holds the remains of our own interrupted mkfs."""

    wipe: bool  # old marks are to be removed first


Decision = Keep | ScanFirst | Format


def decide(volume: VolumeSpec, wanted: Filesystem, probe: Probe, intent: Intent | None, boot: str) -> Decision:
    """Say what to do with the device. Raises FailedPrecondition if the answer is: nothing."""
    resumed = intent is not None and is_ours(intent, volume, probe, boot)
    refuse_what_is_unreadable(volume, probe)
    found = probe.signature
    if not found.table and not found.ambivalent:
        if resumed and _is_half_made(probe):
            return permit(volume, probe, wipe=True)
        if found.kind:
            return use(volume, wanted, probe)
    return decide_blank(volume, probe, intent)


def decide_blank(volume: VolumeSpec, probe: Probe, intent: Intent | None) -> ScanFirst | Format:
    """Say whether a device may be formatted that holds nothing to use. Raises FailedPrecondition if not."""
    found = probe.signature
    if found.table:
        raise _refusal(volume, probe, f"a {found.table} partition table")
    if found.ambivalent:
        raise _refusal(volume, probe, "marks of more than one format")
    if probe.superblock is not None and not found.kind:
        raise _contradiction(volume, probe, probe.superblock)
    if found.kind:
        raise _refusal(volume, probe, f"{found.kind} ({found.usage or 'no file system'})")
    if probe.scan is None:
        return ScanFirst()
    if probe.scan.first_data is not None:
        raise _refusal(volume, probe, f"data without a signature at byte {probe.scan.first_data}", intent)
    return permit(volume, probe, wipe=False)


def _is_half_made(probe: Probe) -> bool:
    """Tell whether mkfs has not ended. A whole file system is used, be it that mkfs ended just before the node did."""
    return not probe.signature.kind if probe.superblock is None else probe.superblock.unfinished


def is_ours(intent: Intent, volume: VolumeSpec, probe: Probe, boot: str) -> bool:
    """Tell whether the intent is of a format of this very device, which has stayed attached since."""
    same_device = (intent.size_bytes, intent.sequence) == (probe.facts.size_bytes, probe.facts.sequence)
    return intent.volume_id == volume.id and intent.boot == boot and bool(intent.sequence) and same_device


def refuse_what_is_unreadable(volume: VolumeSpec, probe: Probe) -> None:
    """Raise FailedPrecondition if reading has failed."""
    scan = probe.scan
    if scan is not None and scan.failed_at is not None:
        raise errors.FailedPrecondition(
            f"device {probe.facts.kernel_name} of volume {volume.id} cannot be read at byte {scan.failed_at}: "
            f"{scan.reason}",
            remedy="look into the kernel log for I/O errors; what cannot be read is never taken for blank",
            error_code=Code.DEVICE_UNREADABLE,
        )
    if probe.facts.size_bytes == 0:
        raise errors.FailedPrecondition(
            f"device {probe.facts.kernel_name} of volume {volume.id} has no size", error_code=Code.DEVICE_UNREADABLE
        )


def use(volume: VolumeSpec, wanted: Filesystem, probe: Probe) -> Keep:
    """Use what is there. Raises FailedPrecondition unless it is the file system that is asked for, and whole."""
    found, block = probe.signature, probe.superblock
    if found.kind == LUKS and volume.encryption is None:
        raise encrypted(volume)
    if found.usage != "filesystem":
        raise _refusal(volume, probe, f"{found.kind} ({found.usage or 'no file system'})")
    if found.kind != wanted.kind and found.kind not in _MOUNTED_AS.get(wanted.kind, ()):
        raise errors.FailedPrecondition(
            f"volume {volume.id} holds {found.kind}, but {wanted.kind} is asked for",
            remedy=_instead(found.kind),
            error_code=Code.OTHER_FILE_SYSTEM,
        )
    if block is None:
        raise _refusal(volume, probe, f"{found.kind} whose superblock is not at its place")
    if block.size_bytes > probe.facts.size_bytes:
        raise errors.FailedPrecondition(
            f"the {found.kind} of volume {volume.id} has {block.size_bytes} bytes, "
            f"its device only {probe.facts.size_bytes}",
            remedy="the device is cut short: detach the volume and attach it again, or restore it from a snapshot",
            error_code=Code.FILE_SYSTEM_CUT,
        )
    if block.devices > 1:
        raise _refusal(volume, probe, f"one of {block.devices} devices of a btrfs")
    if block.external_journal:
        raise _refusal(volume, probe, f"an {found.kind} whose journal is on another device")
    mounting.check_own_options(volume.id, block)
    return Keep(grow=is_short(block, probe.facts))


def _instead(kind: str) -> str:
    if kind not in FILE_SYSTEMS:
        return f"this driver does not mount {kind}: copy its data to a new volume by hand"
    return (
        f"make the PersistentVolume again with fsType: {kind}, which cannot be changed in one that is there (reclaim "
        "policy Retain first), or copy the data to a new volume"
    )


def is_short(block: Superblock, device: Facts) -> bool:
    """Tell whether a file system is smaller than its device."""
    return block.size_bytes + SLACK_BYTES <= device.size_bytes


def permit(volume: VolumeSpec, probe: Probe, *, wipe: bool) -> Format:
    """Format a device whose content allows it. Raises FailedPrecondition if the volume or the device does not."""
    if volume.never_format:
        raise errors.FailedPrecondition(
            f"volume {volume.id} has no file system, and is never formatted: {volume.never_format}",
            remedy="wait until its data is there, ask for writing once, or make a file system by hand",
            error_code=Code.NEVER_FORMATTED,
        )
    if probe.facts.read_only:
        raise errors.FailedPrecondition(
            f"volume {volume.id} is blank, and its device {probe.facts.kernel_name} is read-only",
            remedy="attach the volume for writing once, so that it can be formatted",
            error_code=Code.DEVICE_READ_ONLY,
        )
    return Format(wipe=wipe)


def _refusal(volume: VolumeSpec, probe: Probe, found: str, intent: Intent | None = None) -> errors.FailedPrecondition:
    begun = (
        f"; a format as {intent.kind} was begun here, but the device was attached again since"
        if intent is not None and intent.volume_id == volume.id
        else ""
    )
    return errors.FailedPrecondition(
        f"volume {volume.id} is not formatted: its device {probe.facts.kernel_name} holds {found}{begun}",
        remedy=f"look at the device; if nothing on it is needed, {wiping(volume)}",
        error_code=Code.NOT_FORMATTED,
    )


def _contradiction(volume: VolumeSpec, probe: Probe, block: Superblock) -> errors.FailedPrecondition:
    """Return the error of a superblock that blkid does not take for one, as where it meets a read error."""
    return errors.FailedPrecondition(
        f"volume {volume.id} is not formatted: its device {probe.facts.kernel_name} holds what looks like "
        f"{block.kind}, and is damaged or cannot be read as a whole",
        remedy="look into the kernel log for I/O errors; without any, take a snapshot, and repair it by hand",
        error_code=Code.NOT_FORMATTED,
    )


def encrypted(volume: VolumeSpec) -> errors.FailedPrecondition:
    """Return the error of an encrypted volume that is asked for as a plain one."""
    return errors.FailedPrecondition(
        f"volume {volume.id} is encrypted (LUKS), and its class asks for no encryption",
        remedy="a volume restored from an encrypted one needs a class with encryption: luks2 and the same Secret",
        error_code=Code.ENCRYPTED_CONTENT,
    )


def wiping(volume: VolumeSpec) -> str:
    """Say how a person makes a device blank, for a remedy."""
    return f"wipe it on this host with 'blkdiscard --zeroout {volume_link(volume)}', then the next attempt formats it"


def volume_link(volume: VolumeSpec) -> str:
    """Return the name of the volume's device link, as udev makes it."""
    return " or ".join(f"/dev/disk/by-id/{disk.link_prefix}{disk.told(volume.id, volume.name)}" for disk in DISKS)

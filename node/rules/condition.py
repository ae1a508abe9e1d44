"""Is a volume well? From the signs that the kernel gives to findings with a stable reason.

Sources: CSI 1.13 "VolumeHealth" (reasons are CamelCase and stable); kernel Documentation/ABI/testing/sysfs-fs-ext4
(errors_count), scsi_device states; SPC "unit attention".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from common import errors
from node.codes import Code
from node.records.findings import Finding
from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import identity

NAMED = 5  # volumes in one message; the API server takes 1,024 characters
NO_ANSWER = "does not answer"
_POD = re.compile(r"/pods/([^/]+)/")  # in a path of kubelet's
NOTICES = 3  # what a disk tells beside an answer (its size has changed, it was reset), the kernel counts as an error
OF_REFUSALS = {
    "StageRefused",
    "PublishRefused",
    "ExpandRefused",
    "DeviceMissing",
    "FilesystemDamaged",
    "PassphraseRefused",
}
_ATTACH_AGAIN = "delete the pods that use it: it is attached again for the next ones"
_MOUNT_AGAIN = "delete the pods that use it: when none does, it is checked and mounted again"
_WAIT_FOR_DISK = "wait, nothing is lost yet; if that goes on, ask the cloud's support"
REMEDIES = {
    "DeviceGone": _ATTACH_AGAIN,
    "DeviceNotRunning": "look into the kernel log; if that does not pass, delete the pods that use it",
    "DeviceReplaced": "delete the pods that use it: what they write does not reach it",
    "DeviceHung": _WAIT_FOR_DISK,
    "DeviceErrors": "look into the kernel log, and snapshot the volume",
    "FilesystemDead": _MOUNT_AGAIN,
    "FilesystemHung": _WAIT_FOR_DISK,
    "FilesystemErrors": _MOUNT_AGAIN,
    "FilesystemReadOnly": _MOUNT_AGAIN,
    "CallsHang": "look into the kernel log for disks that do not answer; a node where that stays has to be restarted",
    "DevicesGone": _ATTACH_AGAIN,
    "DevicesHang": _WAIT_FOR_DISK,
}
REASONS = OF_REFUSALS | REMEDIES.keys()


@dataclass(frozen=True)
class Signs:
    """What was seen of a volume."""

    mount: Mount
    facts: Facts | None  # None: the kernel has no such device
    known: Staged | None
    answer: str = ""  # why the file system did not answer well; empty: it did
    silent: int = 0  # commands that the disk owes an answer, while it gives none
    counted: int = 0  # errors that the file system keeps count of
    block: str = ""  # the number of the raw block device; empty: a file system is mounted


def of_volume(signs: Signs) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first."""
    return (*_of_device(signs), *(() if signs.block else _of_filesystem(signs)))


def of_storage(
    volumes: tuple[tuple[str, Facts | None], ...], hung: int, silent: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    """Return what is wrong with the node.

    ``volumes`` come with their devices, ``hung`` is how many calls into the kernel do not come back, ``silent`` are the
    volumes whose disks do not answer.
    """
    return (*_of_node(volumes, hung), *_of_silence(silent))


def death(mount: Mount, facts: Facts | None, known: Staged | None, answer: str = "") -> str:
    """Say why a mounted file system is of no use any more, though its disk may be; empty: it lives.

    One notion for stage, publish, expand and health. ``facts`` are of the device under the mount, ``answer`` is what
    went wrong when the file system was asked: a shut down xfs shows in no table.
    """
    if facts is None or _is_dead(facts):
        return "its device is gone"
    if known is not None and known.number == mount.number and known.volume_name and not _carries(known, facts):
        return f"its device is {identity.describe(facts)} by now"
    if _turned_read_only(mount, known):
        return f"the kernel has given up the {mount.kind} after an error"
    if answer:
        return f"its {mount.kind} answers with an error ({answer})"
    return ""


def pods(points: Iterable[str]) -> str:
    """Say for whom a volume is mounted at ``points``: which pods, where kubelet's paths tell, else the paths."""
    found = [match[1] if (match := _POD.search(point)) else "" for point in points]
    if all(found):
        return f"the pod{'s' if len(set(found)) > 1 else ''} with uid {', '.join(sorted(set(found)))}"
    return f"what uses {', '.join(sorted(points))}"


def doubt(volume_id: str, failed: errors.DriverError, before: Facts, now: Facts | None) -> errors.OutcomeUnknown | None:
    """Return the error to answer with instead, if the disk has answered with I/O errors meanwhile; else None.

    What programs say then is no word about the content, and is not final: to cryptsetup a header that cannot be read is
    no header, to e2fsck a file system that cannot be read is damaged.
    """
    if now is None or (since := now.errors - before.errors) <= NOTICES:
        return None
    return errors.OutcomeUnknown(
        f"disk {before.kernel_name} of volume {volume_id} has answered {since} commands with errors: {failed.message}",
        remedy="look into the kernel log; the next attempt looks again, and until the disk works nothing is known of "
        "its content. If that does not end, detach the volume and attach it again, or ask the cloud's support",
        error_code=Code.DEVICE_ERRORS,
    )


def _of_device(signs: Signs) -> Iterator[Finding]:
    facts = signs.facts
    if facts is None or identity.is_lost(facts):
        what = "device" if facts is None else f"the disk below mapper {facts.mapper}, device"
        yield _found("inaccessible", "DeviceGone", f"{what} {signs.mount.number} under {signs.mount.point} is gone")
        return
    if facts.state not in {"", "running"}:
        yield _found("inaccessible", "DeviceNotRunning", f"device {facts.kernel_name} is in state {facts.state}")
    if signs.known is not None and signs.known.volume_name and not _carries(signs.known, facts):
        yield _found("inaccessible", "DeviceReplaced", f"device {facts.kernel_name} is {identity.describe(facts)} now")
    if signs.silent:
        message = f"device {facts.kernel_name} answers none of the {signs.silent} commands that it has been given"
        yield _found("inaccessible", "DeviceHung", message)
    if signs.known is not None and (since := facts.errors - signs.known.errors) > NOTICES:
        message = f"device {facts.kernel_name} has answered {since} commands with errors since it was staged"
        yield _found("degraded", "DeviceErrors", message)


def _of_filesystem(signs: Signs) -> Iterator[Finding]:
    mount = signs.mount
    if signs.answer == NO_ANSWER:
        yield _found("inaccessible", "FilesystemHung", f"{mount.kind} at {mount.point} does not answer")
    elif signs.answer:
        yield _found("inaccessible", "FilesystemDead", f"{mount.kind} at {mount.point}: {signs.answer}")
    if _turned_read_only(mount, signs.known):
        yield _found(
            "inaccessible", "FilesystemReadOnly", f"{mount.kind} at {mount.point} became read-only after an error"
        )
    if signs.counted:
        yield _found("degraded", "FilesystemErrors", f"{signs.counted} errors in the {mount.kind} at {mount.point}")


def _turned_read_only(mount: Mount, known: Staged | None) -> bool:
    """Tell an error from a wish: a file system mounted to be read has ``ro`` for its mount, too.

    ext4 and f2fs say ``shutdown`` and ``emergency_ro``; an aborted btrfs, an older ext4 and others just turn ``ro``.
    """
    if mount.super_options & {"shutdown", "emergency_ro"}:
        return True
    meant = "ro" in mount.options if known is None else known.read_only or "ro" in known.flags
    return "ro" in mount.super_options and not meant


def _of_node(volumes: tuple[tuple[str, Facts | None], ...], hung: int) -> Iterator[Finding]:
    if hung:
        yield _found("degraded", "CallsHang", f"{hung} calls into the kernel do not come back")
    gone = [volume_id for volume_id, facts in volumes if facts is None or _is_dead(facts)]
    if gone:
        severity = "unreachable" if len(gone) == len(volumes) and len(gone) > 1 else "degraded"
        yield _found(severity, "DevicesGone", f"no disk under volume {_some(gone)}")


def _of_silence(silent: tuple[str, ...]) -> Iterator[Finding]:
    if silent:
        yield _found("degraded", "DevicesHang", f"the disk does not answer under volume {_some(silent)}")


def _found(severity: str, reason: str, message: str) -> Finding:
    return Finding(severity, reason, f"{message}; {REMEDIES[reason]}")


def _some(volume_ids: Sequence[str]) -> str:
    more = len(volume_ids) - NAMED
    return ", ".join(volume_ids[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_dead(facts: Facts) -> bool:
    return facts.state in identity.DEAD or identity.is_lost(facts)


def _carries(known: Staged, facts: Facts) -> bool:
    return identity.carries(known.volume_id, known.volume_name, facts)

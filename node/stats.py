"""How full a volume is. A file system that does not answer costs one thread and this call, nothing else.

Of one that is dead nothing is told: its figures come from memory, and kubelet would take it for healthy. An error makes
kubelet tell no figures, until a later call gets some.

Source: CSI 1.13 "NodeGetVolumeStats"; statvfs(3).
"""

import os
from functools import partial

from common import errors
from node.codes import Code
from node.host import mounts
from node.host.host import Host
from node.host.sysfs import device_number
from node.records.findings import Usage
from node.records.kernel import Mount
from node.records.requests import VolumePath
from node.records.state import Staged
from node.rules import condition
from node.volume_at import block_of, is_recorded, is_volume, mount_of, not_there, opened, resolved

STATFS_SECONDS = 5.0


class Stats:
    """Reads usage."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def usage(self, place: VolumePath) -> Usage:
        """Return how full the volume is. Raises NotFound if it is not at that path, Unavailable if it is dead."""
        place = await resolved(self._host, place)
        work = partial(_usage, self._host, place)
        try:
            return await self._host.threads.in_turn(
                place.path, work, STATFS_SECONDS, f"the file system at {place.path}"
            )
        except OSError as error:  # an xfs that is shut down answers no question
            raise _dead(place, f"it answers with an error ({error.strerror})") from error


def _usage(host: Host, place: VolumePath) -> Usage:
    """All is asked of what was opened. The mounts of the node are parsed only if its device does not tell enough."""
    with opened(place) as descriptor:
        known = host.state.read(Staged, place.volume_id)
        if is_recorded(host, place) and known is not None and known.kind and _is_on(descriptor, known.number):
            mount = mounts.mount_of(descriptor)
            if mount is None:
                raise not_there(place)
            return _filesystem(host, place, mount, descriptor)
        mount = mount_of(host, place, descriptor)
        if block := block_of(mount, descriptor):
            return _device(host, place, block)
        return _filesystem(host, place, mount, descriptor)


def _is_on(descriptor: int, number: str) -> bool:
    return device_number(os.fstat(descriptor).st_dev) == number


def _device(host: Host, place: VolumePath, number: str) -> Usage:
    """A node outlives its device: by now another disk may have the number."""
    facts = host.sysfs.facts(number)
    if facts is None or not is_volume(host, place.volume_id, facts):
        raise errors.NotFound(
            f"the device of volume {place.volume_id} at {place.path} is gone", error_code=Code.DEVICE_CHANGED
        )
    return Usage(total_bytes=facts.size_bytes, block=True)


def _filesystem(host: Host, place: VolumePath, mount: Mount, descriptor: int) -> Usage:
    answer = os.statvfs(descriptor)
    refusal = mounts.refusal(f"/proc/self/fd/{descriptor}/.")  # of what was opened, whatever is at the path by now
    facts, known = host.sysfs.facts(mount.number), host.state.read(Staged, place.volume_id)
    if reason := condition.death(mount, facts, known, refusal):
        raise _dead(place, reason)
    unit = answer.f_frsize
    return Usage(
        total_bytes=answer.f_blocks * unit,
        used_bytes=(answer.f_blocks - answer.f_bfree) * unit,
        available_bytes=answer.f_bavail * unit,
        total_inodes=answer.f_files,
        used_inodes=answer.f_files - answer.f_ffree,
        available_inodes=answer.f_favail,
    )


def _dead(place: VolumePath, reason: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"volume {place.volume_id} is dead at {place.path}: {reason}",
        remedy=f"delete {condition.pods((place.path,))}: when no pod uses it, it is checked and mounted again",
        error_code=Code.FILE_SYSTEM_DEAD,
    )

"""Who uses a device: the pods that have it raw, and others on this host, whose use is a reason to refuse it."""

import os
from functools import partial

from common import errors
from node.codes import Code
from node.host import processes
from node.host.devices import Device
from node.host.host import Host
from node.host.threads import SECONDS
from node.records.kernel import Facts
from node.records.requests import VolumeSpec
from node.records.state import Published


async def targets(host: Host, volume: VolumeSpec) -> list[str]:
    """Return where the volume is published as a raw block device."""
    published = [each for each in host.state.all(Published) if each.volume_id == volume.id and each.block]
    if not published:
        return []
    table = await host.mounts.table()
    return [each.target for each in published if table.at(each.target)]


async def error(host: Host, volume: VolumeSpec, device: Device) -> errors.Unavailable:
    """Return the error of a device that something else has claimed: a mount, swap, a stack, a program."""
    by = await users(host, device.path, device.facts) or "what this node does not see"
    return errors.Unavailable(
        f"device {device.path} of volume {volume.id} is in use by {by}",
        remedy="a program that formats or checks it ends by itself; all else has to let go of it: umount, swapoff, "
        "vgchange -an, mdadm --stop, dmsetup remove, losetup -d. A mount that was taken away lazily ends with its last "
        "process",
        error_code=Code.DEVICE_IN_USE,
    )


async def users(host: Host, path: str, facts: Facts) -> str:
    """Say who has the device at ``path``, or a partition of it; nothing if that is not seen."""
    mounts = [(mount.number, mount.point) for mount in await host.mounts.table() if not mount.number.startswith("0:")]
    found = await host.threads.call(partial(_users, host, path, facts, mounts), SECONDS, "looking for processes")
    return ", ".join(found)


def _users(host: Host, path: str, facts: Facts, mounts: list[tuple[str, str]]) -> tuple[str, ...]:
    below = {each: host.sysfs.parents(each) for each in {each for each, _ in mounts}}
    mounted = tuple(f"the mount at {point}" for each, point in mounts if facts.number in below[each])
    programs = processes.users_of_device(path, facts.number, without=os.getpid())
    return (*facts.holders, *mounted, *processes.swaps(path), *programs)

"""Who uses a device: the pods that have it raw, and others on this host, whose use is a reason to refuse it."""

import os
from functools import partial

from common import errors
from node.codes import Code
from node.host import processes
from node.host.devices import Device
from node.host.host import Host
from node.host.threads import SECONDS
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
    table = await host.mounts.table()
    mounts = [(mount.number, mount.point) for mount in table if not mount.number.startswith("0:")]
    look = partial(users, host, device, mounts)
    found = await host.threads.call(look, SECONDS, "looking for processes")
    by = ", ".join(found) or "what this node does not see"
    return errors.Unavailable(
        f"device {device.path} of volume {volume.id} is in use by {by}",
        remedy="a program that formats or checks it ends by itself; all else has to let go of it: umount, swapoff, "
        "vgchange -an, mdadm --stop, dmsetup remove, losetup -d. A mount that was taken away lazily ends with its last "
        "process",
        error_code=Code.DEVICE_IN_USE,
    )


def users(host: Host, device: Device, mounts: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return who has the device, or a partition of it; blocks."""
    number = device.facts.number
    below = {each: host.sysfs.parents(each) for each in {each for each, _ in mounts}}
    mounted = tuple(f"the mount at {point}" for each, point in mounts if number in below[each])
    programs = processes.users_of_device(device.path, number, without=os.getpid())
    return (*device.facts.holders, *mounted, *processes.swaps(device.path), *programs)

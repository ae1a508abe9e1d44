"""A volume at a path: opened once, and proven by what was opened, since pods come and go while it is looked at.

Everything here blocks, but for ``resolved``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from common import errors
from node.codes import Code
from node.host import mounts, paths
from node.host.host import Host
from node.records.kernel import Facts, Mount
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.rules import identity


async def resolved(host: Host, place: VolumePath) -> VolumePath:
    """Return the place with its path as mountinfo has it. Raises NotFound for a path out of kubelet's directory."""
    try:
        return replace(place, path=await host.resolve(place.path))
    except errors.InvalidArgument as error:
        raise not_there(place) from error


@contextmanager
def opened(place: VolumePath) -> Iterator[int]:
    """Yield a descriptor of what is at the path, which is resolved. Raises NotFound if nothing is."""
    try:
        with paths.pinned(place.path) as descriptor:
            yield descriptor
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_there(place) from error


def is_recorded(host: Host, place: VolumePath) -> bool:
    """Tell whether this driver has put the volume there. Raises NotFound if it is another volume that is there."""
    published = host.state.read(Published, place.path)
    owners = {each.volume_id for each in host.state.all(Staged) if place.path in each.paths}
    owners |= {published.volume_id} if published is not None else set()
    if owners and place.volume_id not in owners:
        raise not_there(place)
    return bool(owners)


def mount_of(host: Host, place: VolumePath, descriptor: int) -> Mount:
    """Return the mount that was opened. Raises NotFound unless it is the volume's: recorded, or by its device."""
    mount = mounts.mount_of(descriptor)
    if mount is None or mount.point != place.path:
        raise not_there(place)
    number = block_of(mount, descriptor) or mount.number
    known = host.state.read(Staged, place.volume_id)
    if is_recorded(host, place) and known is not None and known.number == number:
        return mount
    facts = host.sysfs.facts(number)
    if facts is None or not is_volume(host, place.volume_id, facts):
        raise not_there(place)
    return mount


def block_of(mount: Mount, descriptor: int) -> str:
    """Return the number of the block device whose node is mounted; empty if that is a file system's root."""
    return paths.block_number(descriptor) if mount.root != "/" and paths.may_be_node(mount.kind) else ""


def not_there(place: VolumePath) -> errors.NotFound:
    """Say so."""
    return errors.NotFound(f"volume {place.volume_id} is not at {place.path}", error_code=Code.NOT_HERE)


def is_volume(host: Host, volume_id: str, facts: Facts) -> bool:
    """Tell whether a device may be the volume; one that carries another name is not."""
    known = host.state.read(Staged, volume_id)
    return identity.may_be(volume_id, known.volume_name if known is not None else "", facts)

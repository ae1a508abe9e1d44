"""Mounted file systems that are of no use any more: found, and taken away where no one else uses them.

Their device is gone or another one's, or the kernel has given them up after an error. A pod that is given one crash
loops, and as long as any pod of the node wants the volume kubelet does not unstage it: so staging does what heals.
"""

from functools import partial

import structlog

from common import errors
from node.codes import Code
from node.host import mounts
from node.host.host import Glance, Host
from node.records.kernel import Facts, Mount
from node.records.requests import VolumeSpec
from node.records.state import Staged
from node.rules import condition, identity, mount_refs, request_fields

ANSWER_SECONDS = 2.0

log = structlog.get_logger()


async def death(host: Host, mount: Mount, facts: Facts | None, known: Staged | None) -> str:
    """Say why the file system is dead; empty: it lives, or does not answer now."""
    return condition.death(mount, facts, known) or condition.death(mount, facts, known, await _answer(host, mount))


async def _answer(host: Host, mount: Mount) -> str:
    """Ask an xfs, whose death shows in no table; one that hangs has said nothing."""
    if mount.kind != "xfs":
        return ""
    try:
        ask = partial(mounts.refusal, mount.point)
        return await host.threads.in_turn(mount.point, ask, ANSWER_SECONDS, f"the file system at {mount.point}")
    except errors.NotFinal:
        return ""


async def remove(host: Host, volume: VolumeSpec, glance: Glance) -> Glance:
    """Take away the dead mounts at a staging path; return the path as it is then.

    Raises Unavailable, naming the pods, if one is in use elsewhere: no final error while the volume is mounted.
    """
    known = host.state.read(Staged, volume.id)
    while glance.mounted:
        mount = glance.mounted[-1]
        facts = await host.facts(mount.number)
        was_ours = known is not None and known.number == mount.number
        if not was_ours and not _may_be(volume, mount, facts):
            break  # another program's
        stale = identity.is_stale(volume, facts, was_ours=was_ours)
        reason = "was detached while it was" if stale else await death(host, mount, facts, known)
        if not reason:
            break
        points = [each.point for each in (await host.mounts.table()).of(mount.number)]
        staged = known.paths if known is not None else ()
        if users := mount_refs.uses(points, staged, glance.path):
            what = reason if stale else f"is dead where it is staged ({reason}), and"
            raise errors.Unavailable(
                f"volume {volume.id} {what} mounted at {', '.join(users)}",
                remedy=f"delete {condition.pods(users)}: when no pod uses it, it is checked and mounted again",
                error_code=Code.FILE_SYSTEM_DEAD,
            )
        log.warning("dead_mount_removed", volume_id=volume.id, path=glance.path, device=mount.number, message=reason)
        for point in (glance.path, *mount_refs.other_stagings(points, staged, glance.path)):
            await host.mounts.unmount_all((await host.glance(point)).mounted[-1:])
        glance = await host.glance(glance.path)
    return glance


def _may_be(volume: VolumeSpec, mount: Mount, facts: Facts | None) -> bool:
    """Tell whether a mount that is in no record may be the volume's, or what is left of it."""
    if facts is None:
        return identity.is_left(mount, facts)
    return identity.is_volume(volume, facts) or identity.is_lost(facts)


async def refuse_elsewhere(host: Host, volume: VolumeSpec, mounted: tuple[Mount, ...], facts: Facts) -> None:
    """Raise Unavailable if a file system that is mounted elsewhere, and would be mounted once more, is dead."""
    known = host.state.read(Staged, volume.id)
    if mounted and (reason := await death(host, mounted[0], facts, known)):
        points = sorted(mount.point for mount in mounted)
        users = mount_refs.uses(points, known.paths if known is not None else ())
        raise errors.Unavailable(
            f"volume {volume.id} is mounted at {', '.join(points)}, where it is dead: {reason}",
            remedy=f"delete {condition.pods(users or points)}: when no pod uses it, it is checked and mounted again",
            error_code=Code.FILE_SYSTEM_DEAD,
        )


async def of_request(host: Host, path: str, refused: errors.Refused) -> errors.DriverError:
    """Return the error to answer a malformed request with: what is mounted at its path was asked for before."""
    try:
        return await never_final(host, request_fields.path(path, "path"), refused)
    except errors.InvalidArgument:
        return refused


async def never_final(host: Host, path: str, refused: errors.Refused) -> errors.DriverError:
    """Return the error to answer with: kubelet takes a final one for "nothing is mounted there", and detaches.

    That a mount is there which does not fit the request is final all the same (CSI 1.13, ALREADY_EXISTS).
    """
    if isinstance(refused, errors.AlreadyExists) or not (await host.glance(path)).mounted:
        return refused
    return errors.unavailable(refused, f"{refused.message} ({path} is mounted)")

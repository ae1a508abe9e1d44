"""What the node needs of its host, tried one by one for ``--check``; nothing is changed."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from common import errors
from common.checks import Check, directory
from common.sockets import parse
from node.codes import Code
from node.host.sysfs import Sysfs
from node.node_info import Info
from node.settings import NodeSettings

PROGRAMS = (
    *("mount", "umount", "blkid", "cryptsetup"),
    *("mkfs.ext4", "e2fsck", "resize2fs", "e2undo", "debugfs", "mkfs.xfs", "xfs_growfs"),
)
BLOCK_DEVICES = Path("/sys/class/block")
CAP_SYS_ADMIN = 21  # linux/capability.h: mounting


def preconditions(chosen: NodeSettings, info: Info, sysfs: Sysfs) -> Sequence[Check]:
    """Return the checks."""

    async def identity() -> str:
        found = await info.who()
        return f"{found[0]}, in region {found[1]}"

    async def may_mount() -> str:
        if not sysfs.has_capability(CAP_SYS_ADMIN):
            raise errors.FailedPrecondition(
                "CAP_SYS_ADMIN is missing", remedy="make the container privileged", error_code=Code.HOST_MOUNTS
            )
        return f"yes, as user {os.geteuid()}"

    async def devices() -> str:
        return _devices(chosen.device_dir)

    kubelet = (
        [directory("kubelet's plugin registry", chosen.registration_dir, "mount it from the host")]
        if chosen.registration_dir is not None
        else []
    )
    return (
        Check("the node knows who it is", identity),
        Check("it may mount", may_mount),
        Check("programs", _programs),
        Check("devices", devices),
        directory("state directory", chosen.state_dir, "mount a directory of the host there", made=True),
        directory("directory of the CSI socket", parse(chosen.endpoint).parent, "mount it from the host", made=True),
        *kubelet,
    )


async def _programs() -> str:
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise errors.FailedPrecondition(
            f"missing: {', '.join(missing)}", remedy="use the driver's image", error_code=Code.HOST_MOUNTS
        )
    return ", ".join(PROGRAMS)


def _devices(folder: Path) -> str:
    if not BLOCK_DEVICES.is_dir():
        raise errors.FailedPrecondition(
            f"there is no {BLOCK_DEVICES}", remedy="mount the host's /sys and /dev", error_code=Code.HOST_MOUNTS
        )
    return f"{folder}, {'there' if folder.is_dir() else 'which the first disk brings'}"

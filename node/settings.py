"""The node's settings, from AIOCSI_* environment variables."""

import re
from pathlib import Path

import environ

from common import converters
from common.settings import PREFIX, Shared


def node_id(value: str) -> str:
    """Return the id of a host in its cloud: letters, digits and hyphens, a digit among them; or an empty text."""
    if value and not re.fullmatch(r"(?=.*[0-9])[A-Za-z0-9-]{1,128}", value):
        raise ValueError(f"must be letters, digits and hyphens, a digit among them, not {converters.shown(value)}")
    return value


@environ.config(prefix=PREFIX, frozen=True)
class NodeSettings(Shared):
    """What the node reads."""

    node_id: str = environ.var(
        "", converter=node_id, help="the host's id in the cloud; if unset, read from SMBIOS or the metadata service"
    )
    region: str = environ.var("", converter=converters.zone, help="region slug; unset: from the metadata service")
    metadata_url: str = environ.var(
        "",
        converter=converters.optional(converters.metadata_root),
        help="root of the host's metadata service; unset: the cloud's own",
    )
    volume_limit: int = environ.var(
        15,
        converter=converters.integer(1, 256),
        help="maximum volumes attached to this node, including those this driver does not manage",
    )
    volume_reserve: int = environ.var(
        0, converter=converters.integer(0, 255), help="how many of them are kept for volumes of others"
    )
    kubelet_dir: Path = environ.var(
        "/var/lib/kubelet",
        converter=converters.absolute_path,
        help="kubelet's root directory: no path of a request may lead out of it",
    )
    device_dir: Path = environ.var(
        "/dev/disk/by-id",
        converter=converters.absolute_path,
        help="folder of udev's links to the volumes, as in scsi-0DO_Volume_<name>",
    )
    state_dir: Path = environ.var(
        "/var/lib/kubelet/plugins/dobs.csi.digitalocean.com/state",
        converter=converters.absolute_path,
        help="folder on the host for what outlives the process: formats under way, staged and published volumes",
    )
    registration_dir: Path | None = environ.var(
        None, converter=converters.absolute_path, help="kubelet's plugins_registry folder; unset: a sidecar registers"
    )
    pod_facts_dir: Path | None = environ.var(
        None,
        converter=converters.absolute_path,
        help="folder in which kubelet shows what the warden writes on this pod: draining, max-volumes; unset: nothing",
    )
    drain_wait_seconds: float = environ.var(
        0.0,
        converter=converters.seconds(0, 3600),
        help="how long the driver of a node that is being drained waits at most for its volumes to leave, seconds",
    )
    keep_registration: bool = environ.var(
        False,
        converter=converters.boolean,
        help="stay registered with kubelet when told to stop: a successor is expected, as in a rollout",
    )
    kubelet_endpoint: Path | None = environ.var(
        None,
        converter=converters.absolute_path,
        help="path of the CSI socket as kubelet sees it; unset: that of AIOCSI_ENDPOINT",
    )
    device_wait_seconds: float = environ.var(
        30.0, converter=converters.seconds(0, 600), help="how long a late device is waited for, seconds"
    )
    blank_settle_seconds: float = environ.var(
        0.0,
        converter=converters.seconds(0, 60),
        help="pause before a blank device is read a second time and formatted, seconds; 0: it is read once",
    )
    command_seconds: float = environ.var(
        110.0, converter=converters.seconds(1, 3600), help="longest run of mount, umount or blkid, seconds"
    )
    format_seconds: float = environ.var(
        110.0,
        converter=converters.seconds(1, 86400),
        help="how long mkfs, fsck, a resize or cryptsetup may go without using the processor or the disk, seconds",
    )
    format_parallel: int = environ.var(
        4,
        converter=converters.integer(1, 64),
        help="most formats, checks and key derivations at once, of each (they take memory)",
    )
    threads: int = environ.var(
        48,
        converter=converters.integer(4, 512),
        help="most calls into the kernel at once; one that hangs keeps its place",
    )

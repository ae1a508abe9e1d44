"""Put the node's parts together, as its settings say."""

import asyncio

import structlog

from common import errors
from common.clouds import CLOUDS
from common.metadata import Metadata
from node.codes import Code
from node.encryption.unlocking import Unlocking
from node.expansion import Expansion
from node.format_guard import FormatGuard
from node.formatting import Formatter
from node.health import Health
from node.host import state
from node.host.command import Commands
from node.host.devices import Devices
from node.host.filesystems import Filesystems
from node.host.host import Host
from node.host.host_disks import HostDisks
from node.host.leftover_programs import LeftoverPrograms
from node.host.luks import Luks
from node.host.mounts import Mounts
from node.host.probe import Prober
from node.host.state import StateFolder
from node.host.sysfs import Sysfs
from node.host.threads import Threads
from node.host.volume_locks import VolumeLocks
from node.node_info import Info
from node.publishing import Publishing
from node.refusals import Refusals
from node.service import NodeDomains
from node.settings import NodeSettings
from node.staging import Staging
from node.stats import Stats
from node.unstaging import Unstaging

log = structlog.get_logger()

TAKEN_PAUSE = 0.5  # s
CAP_SYS_RESOURCE = 24  # linux/capability.h; a mounted ext grows only with it


async def own_state(chosen: NodeSettings) -> None:
    """Keep every other node service off the state directory as long as this process lives, once it is free.

    Raises FailedPrecondition if it cannot be used.
    """
    waited = False
    while not _owned(chosen):
        if not waited:
            remedy = "it may still be ending its calls, and is waited for; stop it if it does not end"
            log.warning("state_directory_taken", directory=str(chosen.state_dir), remedy=remedy)
        waited = True
        await asyncio.sleep(TAKEN_PAUSE)  # noqa: TID251  # a lock that another process lets go tells nobody


def _owned(chosen: NodeSettings) -> bool:
    try:
        state.own(chosen.state_dir)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(chosen, error) from error
    return True


def make_host(chosen: NodeSettings, commands: Commands) -> Host:
    """Put together what acts on this host. Raises FailedPrecondition if its journal cannot be kept."""
    host = unloaded_host(chosen, commands)
    try:
        host.state.load(host.sysfs.boot())
    except OSError as error:
        raise _unusable(chosen, error) from error
    return host


def unloaded_host(chosen: NodeSettings, commands: Commands) -> Host:
    """Put together what acts on this host, without what is kept in the state directory."""
    threads, sysfs = Threads(chosen.threads), Sysfs()
    host_disks = HostDisks(sysfs, (str(chosen.kubelet_dir), str(chosen.state_dir)))
    return Host(
        threads=threads,
        sysfs=sysfs,
        devices=Devices(chosen.device_dir, sysfs, threads, chosen.device_wait_seconds, host_disks),
        prober=Prober(commands, threads),
        filesystems=Filesystems(
            commands, threads, chosen.state_dir / "growths", chosen.format_parallel, chosen.format_seconds
        ),
        luks=Luks(commands, chosen.format_parallel, chosen.format_seconds),
        mounts=Mounts(commands, threads, chosen.command_seconds),
        state=StateFolder(chosen.state_dir),
        orphans=LeftoverPrograms(str(chosen.state_dir)),
        kubelet_dir=chosen.kubelet_dir,
    )


def _unusable(chosen: NodeSettings, error: OSError) -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        f"the state folder {chosen.state_dir} cannot be used: {error.strerror or error}",
        remedy="make it a folder of the host that can be written, or set AIOCSI_STATE_DIR to one",
        error_code=Code.STATE,
    )


def make_parts(chosen: NodeSettings, host: Host, turns: VolumeLocks) -> NodeDomains:
    """Put together what does the work of the RPCs."""
    grows = host.sysfs.has_capability(CAP_SYS_RESOURCE)
    examiner = FormatGuard(host, host.sysfs.boot(), chosen.blank_settle_seconds)
    unlocking = Unlocking(host, examiner, Formatter(host, examiner))
    refusals = Refusals()
    staging = Staging(host, turns, unlocking, grows_mounted_ext=grows)
    return NodeDomains(
        staging=staging,
        unstaging=Unstaging(host, turns),
        publishing=Publishing(host, turns, unlocking, staging),
        expansion=Expansion(host, turns, grows_mounted_ext=grows),
        stats=Stats(host),
        refusals=refusals,
        health=Health(host, refusals),
        node_info=make_info(chosen, host, refusals),
    )


def make_info(chosen: NodeSettings, host: Host, refusals: Refusals) -> Info:
    """Make what finds out who this node is."""
    root = chosen.metadata_url or CLOUDS[chosen.cloud].metadata_root
    metadata = Metadata(root, "on a host without that service, set AIOCSI_NODE_ID and AIOCSI_REGION")
    return Info(host, metadata, refusals, chosen)

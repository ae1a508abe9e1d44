"""Starts the driver's processes as their ``__main__`` does, on the simulated cloud and hosts."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aiohttp
import environ

from common.clouds import CLOUDS, DEFAULT
from common.metrics import Metrics
from common.rpc import Calls
from common.tasks import Tasks
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.http import Http
from controller.digitalocean.limits import TRAITS
from controller.digitalocean.token import Token
from controller.digitalocean.token_check import TokenCheck
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.records import ControllerScope
from controller.service import Controller
from controller.shared import SharedParts as ControllerParts
from controller.shared import make_shared
from controller.wiring import make_domains
from node import wiring
from node.host.filesystems import Filesystems
from node.host.leftover_programs import LeftoverPrograms
from node.host.luks import Luks
from node.host.mounts import Mounts
from node.host.probe import Prober
from node.host.volume_locks import VolumeLocks
from node.requests import Requests
from node.service import Node
from node.settings import NodeSettings
from tests.fakes.host.kernel import Kernel
from tests.fakes.host.programs import Machine, SimCommands
from tests.fakes.host.seams import SimDevices, SimHost, SimJournal, SimSysfs, SimThreads
from tests.faults.cloud import other
from tests.faults.cloud.other import OtherCloud
from tests.faults.cloud.records import CLUSTER, REGION
from tests.faults.cloud.wire import TOKEN, Session, Wire
from tests.faults.sim.loop import Process
from tests.faults.sim.rpc import Served

if TYPE_CHECKING:
    from controller.cloud.base import Cloud

DRIVER = "dobs.csi.digitalocean.com"
LONGEST_PAGE = 250
TOKEN_CHECK = "TokenCheck.run"  # noqa: S105  # it never ends
CLONE_SWEEP = "CloneSweep._run"  # it ends an hour after the last clone was asked for


class _Uncounted:
    """Counts no requests."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Forget it."""


class _File(Token):
    """The token's file, as it is at the moment."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(TOKEN)
        self._wire = wire

    def current(self) -> str:
        """Return what it holds."""
        return self._wire.token()


def controller(
    name: str, account: Wire | OtherCloud, per_minute: int, wall: Callable[[], float]
) -> tuple[Served, ControllerParts]:
    """Start a controller; return it and its parts. ``wall`` is its host's idea of the time."""
    process = Process(name)
    return process.context().run(_controller, process, account, Budget(per_minute, wall), wall)


def _controller(
    process: Process, account: Wire | OtherCloud, budget: Budget, wall: Callable[[], float]
) -> tuple[Served, ControllerParts]:
    tasks = Tasks()
    if isinstance(account, OtherCloud):
        cloud: Cloud = account
        identity = ControllerScope(DRIVER, REGION, other.FACTS, other.TRAITS, (other.CLUSTER,))
    else:
        cloud = _digitalocean(process, account, budget, tasks)
        identity = ControllerScope(DRIVER, REGION, CLOUDS[DEFAULT], TRAITS, (CLUSTER,))
    parts = make_shared(cloud, tasks, budget)
    service = Controller(identity, make_domains(parts, identity, LONGEST_PAGE, wall=wall))
    return Served(process, [service], Calls(Metrics())), parts


def _digitalocean(process: Process, wire: Wire, budget: Budget, tasks: Tasks) -> DigitalOcean:
    access, token = TokenState(asyncio.get_running_loop().time), _File(wire)
    access.prove(TOKEN, "simulated")
    http = Http("http://cloud/", token, budget, access, _Uncounted())
    http.open(cast(aiohttp.ClientSession, Session(wire, process)))  # noqa: TC006  # it is imported for real
    cloud = DigitalOcean(http)
    tasks.background(TokenCheck(token, access, cloud.account_id).run(), TOKEN_CHECK)
    return cloud


def node(name: str, machine: Machine, kernel: Kernel, state: SimJournal, droplet_id: int) -> tuple[Served, VolumeLocks]:
    """Start a node; return it and its turns."""
    process = Process(name)
    host = host_of(machine, kernel, state)
    turns = VolumeLocks(Tasks())
    chosen = environ.to_config(NodeSettings, environ={"AIOCSI_NODE_ID": str(droplet_id), "AIOCSI_REGION": REGION})
    parts = wiring.make_parts(chosen, host, turns)
    return Served(process, [Node(Requests(DRIVER), parts)], Calls(Metrics())), turns


def host_of(machine: Machine, kernel: Kernel, state: SimJournal) -> SimHost:
    """Return a simulated host."""
    threads, sysfs, commands = SimThreads(kernel, machine.draw), SimSysfs(kernel), SimCommands(machine)
    return SimHost(
        threads=threads,
        sysfs=sysfs,
        devices=SimDevices(kernel, sysfs, threads),
        prober=Prober(commands, threads),
        filesystems=Filesystems(commands, threads, Path("/nowhere"), 4, 1800.0),
        luks=Luks(commands, 4, 1800.0),
        mounts=Mounts(commands, threads, 110.0),
        state=state,
        orphans=LeftoverPrograms("simulated", Path("/nowhere")),  # programs die with the process here
        kubelet_dir=Path("/var/lib/kubelet"),
    )

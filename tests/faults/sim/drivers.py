"""Starts the driver's processes as their ``__main__`` does, on the simulated cloud and hosts."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import aiohttp
import environ

from common.commit import Commits
from common.metrics import Metrics
from common.rpc import Calls
from controller import work
from controller.cloud.access import Access
from controller.cloud.budget import Budget
from controller.cloud.digitalocean import DigitalOcean
from controller.cloud.http import Http
from controller.cloud.token import Token
from controller.parts import Parts as ControllerParts
from controller.parts import join
from controller.service import Controller
from node import wiring
from node.host.filesystems import Filesystems
from node.host.luks import Luks
from node.host.mounts import Mounts
from node.host.orphans import Orphans
from node.host.probe import Prober
from node.host.turns import Turns
from node.requests import Requests
from node.service import Node
from node.settings import NodeSettings
from tests.faults.cloud.records import REGION
from tests.faults.cloud.wire import Session, Wire
from tests.faults.hosts.kernel import Kernel
from tests.faults.hosts.programs import Machine, SimCommands
from tests.faults.hosts.seams import SimDevices, SimHost, SimJournal, SimSysfs, SimThreads
from tests.faults.sim.loop import Process
from tests.faults.sim.rpc import Served

DRIVER = "dobs.csi.digitalocean.com"
LONGEST_PAGE = 250


class _Uncounted:
    """Counts no requests."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Forget it."""


def controller(name: str, wire: Wire, per_minute: int, wall: Callable[[], float]) -> tuple[Served, ControllerParts]:
    """Start a controller; return it and its parts. ``wall`` is its host's idea of the time."""
    process = Process(name)
    return process.context().run(_controller, process, wire, Budget(per_minute, wall), wall)


def _controller(
    process: Process, wire: Wire, budget: Budget, wall: Callable[[], float]
) -> tuple[Served, ControllerParts]:
    access = Access(asyncio.get_running_loop().time)
    http = Http("http://cloud/", Token("token"), budget, access, _Uncounted())
    http.open(cast(aiohttp.ClientSession, Session(wire, process)))  # noqa: TC006  # it is imported for real
    parts = join(DigitalOcean(http), Commits(), budget)
    identity = work.Identity(DRIVER, REGION, ())
    service = Controller(identity, work.join(parts, identity, LONGEST_PAGE, wall=wall))
    return Served(process, [service], Calls(Metrics())), parts


def node(name: str, machine: Machine, kernel: Kernel, journal: SimJournal, droplet_id: int) -> tuple[Served, Turns]:
    """Start a node; return it and its turns."""
    process = Process(name)
    host = _host(machine, kernel, journal)
    turns = Turns(Commits())
    chosen = environ.to_config(NodeSettings, environ={"AIOCSI_NODE_ID": str(droplet_id), "AIOCSI_REGION": REGION})
    parts = wiring.make_parts(chosen, host, turns)
    return Served(process, [Node(Requests(DRIVER), parts)], Calls(Metrics())), turns


def _host(machine: Machine, kernel: Kernel, journal: SimJournal) -> SimHost:
    threads, sysfs, commands = SimThreads(kernel, machine.draw), SimSysfs(kernel), SimCommands(machine)
    return SimHost(
        threads=threads,
        sysfs=sysfs,
        devices=SimDevices(kernel, sysfs, threads),
        prober=Prober(commands, threads),
        filesystems=Filesystems(commands, 4, 1800.0),
        luks=Luks(commands, 4, 1800.0),
        mounts=Mounts(commands, threads, 110.0),
        journal=journal,
        orphans=Orphans("simulated", Path("/nowhere")),  # programs die with the process here
    )

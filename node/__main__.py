"""``aiocsi-node``: read the settings, serve until told to stop."""

# ruff: noqa: E402  # nothing may be imported before the process is made light
from common import slim_imports

slim_imports.shed()

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from common import call_log, checks, core_dumps, entry, logs, server, settings
from common.clouds import CLOUDS
from common.converters import HostPort
from common.health import HealthServer
from common.identity import Identity, plugin_capabilities
from common.kept_socket import KeptSocket
from common.metrics import Metrics
from common.rpc import Calls
from common.tasks import Tasks
from node import wiring
from node.drain_wait import DrainWait
from node.host import memory
from node.host.command import Commands, watch_children_without_threads
from node.host.volume_locks import VolumeLocks
from node.metrics import NodeMetrics
from node.node_info import Info
from node.preconditions import preconditions
from node.refusals import Refusals
from node.registration import Registration, RegistrationSocket
from node.requests import Requests
from node.service import Node
from node.settings import NodeSettings
from node.volume_metrics import VolumeMetrics
from node.volume_watch import VolumeWatch

PROGRAM = "aiocsi-node"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 asked to stop, 1 it cannot serve, 2 a setting is wrong."""
    core_dumps.forbid()
    arguments = sys.argv[1:] if argv is None else argv
    chosen = settings.read(NodeSettings, arguments, PROGRAM, "The CSI node service: one on every host.")
    if chosen.node_id and not CLOUDS[chosen.cloud].is_server_id(chosen.node_id):
        text = f"must be the id of a server of {chosen.cloud}, as its API has it; unset, it is found out"
        print(f"{PROGRAM}: AIOCSI_NODE_ID: {text}", file=sys.stderr)
        return 2
    logs.configure(chosen.log_format, "error" if settings.CHECK in arguments else chosen.log_level)
    watch_children_without_threads()
    if settings.CHECK in arguments:
        return asyncio.run(check(chosen))
    return entry.main(serve(chosen))


async def check(chosen: NodeSettings) -> int:
    """Try what the node needs; return the exit status."""
    host = wiring.unloaded_host(chosen, Commands())
    return await checks.report(preconditions(chosen, wiring.make_info(chosen, host, Refusals()), host.sysfs))


class Readiness:
    """Why the node is not ready, and why it should be restarted."""

    def __init__(self) -> None:
        self._sockets: list[KeptSocket] = []
        self._info: Info | None = None

    def watch(self, sockets: list[KeptSocket], info: Info) -> None:
        """Ask these from now on."""
        self._sockets, self._info = sockets, info

    def not_ready(self) -> str:
        """Return why nothing can be asked of the node, or nothing."""
        if self._info is None:
            return "another node service uses the state directory"
        return next(filter(None, (each.not_ready() for each in self._sockets)), self._info.reason)

    def broken(self) -> str:
        """Return what a restart may help against, or nothing."""
        return next(filter(None, (each.broken() for each in self._sockets)), "")


async def serve(chosen: NodeSettings) -> None:
    """Serve until SIGTERM. Raises EndpointError, FailedPrecondition, OSError or RegistrationRefused if it cannot."""
    tasks, metrics = Tasks(), Metrics()
    counted, of_volumes = NodeMetrics(metrics.registry), VolumeMetrics(metrics.registry)
    readiness = Readiness()
    health = _health(chosen.http_addr, metrics, readiness)
    if health is not None:
        await health.start()  # it answers while another service is waited for
    await wiring.own_state(chosen)  # before anything of it is read: what another service writes would be missed
    host = wiring.make_host(chosen, Commands(counted.observe, str(chosen.state_dir), memory.for_programs()))
    counted.watch(host.threads)
    call_log.know_names(host.state.name_of)
    parts = wiring.make_parts(chosen, host, VolumeLocks(tasks))
    offered = plugin_capabilities(snapshots=CLOUDS[chosen.cloud].snapshots)
    identity = Identity(chosen.driver_name, offered, ready=lambda: not parts.node_info.reason)
    node = Node(Requests(chosen.driver_name), parts)
    calls = Calls(metrics)
    csi_socket = KeptSocket(server.GrpcServer([identity, node], chosen.endpoint, calls), tasks)
    sockets = [csi_socket]
    if chosen.registration_dir is not None:
        registration, its_calls = _registration(chosen, csi_socket.path), Calls(metrics, memory=calls.memory)
        sockets.append(RegistrationSocket(chosen.registration_dir, registration, its_calls, tasks, csi_socket))
    readiness.watch(sockets, parts.node_info)
    tasks.background(parts.node_info.identify(), "identity")
    tasks.background(host.keep_state(), "state directory")
    if health is not None:
        volumes = VolumeWatch(host, parts.stats, parts.health, tasks)
        of_volumes.watch(volumes, host.sysfs, parts.refusals)
        tasks.background(volumes.keep(), "volume metrics")
    served: list[server.Servable] = [*([health] if health is not None else []), *sockets]
    hold = DrainWait(host, chosen.pod_facts_dir, chosen.drain_wait_seconds)
    await server.run(served, tasks, chosen.drain_seconds, hold.wait)


def _health(address: HostPort | None, metrics: Metrics, readiness: Readiness) -> HealthServer | None:
    return HealthServer(address, metrics, readiness.not_ready, readiness.broken) if address else None


def _registration(chosen: NodeSettings, path: Path) -> Registration:
    """Return what kubelet is told; with other settings that the CSINode shows it registers the driver again."""
    told = f"{chosen.node_id} {chosen.region} {chosen.volume_limit} {chosen.volume_reserve}"
    seen_at = chosen.kubelet_endpoint or path
    return Registration(chosen.driver_name, seen_at, told, keep=chosen.keep_registration)


if __name__ == "__main__":
    sys.exit(main())

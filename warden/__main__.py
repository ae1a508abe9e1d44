"""``aiocsi-warden``: read the settings, watch until told to stop."""

# ruff: noqa: E402  # nothing may be imported before the process is made light
from common import slim_imports

slim_imports.shed_for_all("pydantic", "pydantic_core")

import socket
import sys
from collections.abc import Sequence

from common import core_dumps, entry, logs, server, settings
from common.health import HealthServer
from common.metrics import Metrics
from common.sockets import parse
from common.tasks import Tasks
from warden import known_volumes, kube
from warden.controller import ControllerSocket
from warden.drift import DriftParts, DriftPolicy, DriftReport
from warden.events import Recorder
from warden.failover import Failover, Parts
from warden.health import ClaimHealth, HealthParts, HealthPolicy
from warden.known_volumes import AskedPages
from warden.lease import LeaseHolder, LeaseName
from warden.metrics import WardenMetrics
from warden.node_facts import NodeFacts
from warden.rules.failover import Mode, Policy
from warden.rules.node_facts import FactsPolicy
from warden.settings import WardenSettings
from warden.start_guard import StartGuard
from warden.view import View

PROGRAM = "aiocsi-warden"
DESCRIPTION = "The warden of aiocsi: tells Kubernetes what the cloud knows of volumes and the nodes that hold them."


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 asked to stop, 1 it cannot work, 2 a setting is wrong."""
    core_dumps.forbid()
    arguments = sys.argv[1:] if argv is None else argv
    chosen = settings.read(WardenSettings, arguments, PROGRAM, DESCRIPTION)
    logs.configure(chosen.log_format, chosen.log_level)
    return entry.main(serve(chosen))


async def serve(chosen: WardenSettings) -> None:
    """Watch until SIGTERM. Raises EndpointError or FailedPrecondition if it cannot."""
    controller = ControllerSocket(parse(chosen.endpoint))
    async with kube.connect() as client, known_volumes.connect() as pods:
        api = kube.Kube(client)
        pages = known_volumes.ControllerPages(api, pods, chosen.namespace, chosen.driver_name)
        await _watch(chosen, api, controller, pages)
    controller.close()


async def _watch(chosen: WardenSettings, api: kube.Kube, controller: ControllerSocket, pages: AskedPages) -> None:
    tasks, metrics = Tasks(), Metrics()
    counted = WardenMetrics(metrics.registry)
    me = chosen.identity or socket.gethostname()
    told = FactsPolicy(chosen.driver_name, chosen.drain_wait, chosen.max_volumes)
    view = View(api, chosen.driver_name, chosen.namespace if told.drain or told.max_volumes else "")
    lease = LeaseHolder(api, LeaseName(chosen.namespace, f"aiocsi-warden-{chosen.driver_name}", me), tasks)
    counted.watch(lambda: float(lease.left() > 0))
    view.measure(counted)
    recorder = Recorder(api, me, counted)
    view.start(tasks)
    if (policy := _policy(chosen)).mode is not Mode.OFF:
        work = Failover(policy, Parts(view, api, controller, lease, recorder), counted)
        tasks.background(work.run(), "failover")
    if chosen.start_taint:
        tasks.background(StartGuard(chosen.driver_name, view, api, lease, counted).run(), "start guard")
    if told.drain or told.max_volumes:
        tasks.background(NodeFacts(told, view, api, lease, counted).run(), "node facts")
    if chosen.health_seconds:
        looks = HealthPolicy(chosen.driver_name, chosen.health_seconds, chosen.health_conditions)
        health = ClaimHealth(looks, HealthParts(view, api, controller, lease, recorder), counted)
        tasks.background(health.run(), "health of claims")
    if chosen.drift_seconds:
        drift_parts = DriftParts(view, api, controller, pages, lease, recorder)
        tasks.background(DriftReport(_drift_policy(chosen), drift_parts, counted).run(), "drift")
    served: list[server.Servable] = [lease]
    if chosen.http_addr is not None:
        served.insert(0, HealthServer(chosen.http_addr, metrics, view.not_ready))
    await server.run(served, tasks, chosen.drain_seconds)


def _policy(chosen: WardenSettings) -> Policy:
    mode, seconds = Mode(chosen.failover_mode), chosen.failover_after_seconds
    return Policy(chosen.driver_name, mode, seconds, chosen.failover_max_nodes)


def _drift_policy(chosen: WardenSettings) -> DriftPolicy:
    seconds, days = chosen.drift_seconds, chosen.drift_unused_days
    return DriftPolicy(chosen.driver_name, seconds, days, frozenset(chosen.tag))


if __name__ == "__main__":
    sys.exit(main())

"""The start guard: takes the startup taint off a node once the driver is registered there with its limit.

Until then a pod with a volume would start too early, or on a node that takes no more volumes. It never gives up.
"""

import asyncio

import structlog

from warden.api import NODES, KubeApi, KubeError
from warden.lease import LeaseHolder
from warden.metrics import WardenMetrics
from warden.records import NodeRecord
from warden.rules import taints
from warden.view import View

log = structlog.get_logger("start_guard")

LOOK_SECONDS = 2.0


class StartGuard:
    """Watches over the nodes that have the startup taint."""

    def __init__(self, driver: str, view: View, api: KubeApi, lease: LeaseHolder, metrics: WardenMetrics) -> None:
        self._key = taints.start_taint(driver)
        self._view = view
        self._api = api
        self._lease = lease
        metrics.start_taints.set_function(lambda: len(self._tainted()))

    async def run(self) -> None:
        """Look at the nodes every few seconds, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251  # two watches and a lease have to agree
            if self._view.is_current() and self._lease.left() > 0:
                for node in self._tainted():
                    await self._judge(node)

    def _tainted(self) -> list[NodeRecord]:
        return [node for node in self._view.nodes if any(taint.key == self._key for taint in node.taints)]

    async def _judge(self, node: NodeRecord) -> None:
        registered = self._view.csi_nodes.get(node.name)
        if registered is None or not registered.limited:
            return
        try:
            async with asyncio.timeout(max(0.0, self._lease.left())):
                await self._api.patch(NODES, node.name, taints.clear_start_taint(node, self._key))
        except (KubeError, TimeoutError) as error:
            log.warning("start_taint_stays", node=node.name, message=str(error) or type(error).__name__)
        else:
            log.info("start_taint_removed", node=node.name)

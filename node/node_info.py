"""Who this node is: its server id, its zone, and how many volumes it can take. Asked once, then remembered.

Source: CSI 1.13 "NodeGetInfo". The id comes from the setting, else from SMBIOS, else from the metadata service.
"""

import asyncio
from functools import partial

import structlog

from common import errors
from common.converters import zone
from common.metadata import Metadata
from node.host.host import Host
from node.host.threads import SECONDS
from node.records.findings import NodeInfo
from node.records.state import Staged
from node.rules import attach_limit
from node.settings import node_id

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
_VENDOR = "DigitalOcean"

log = structlog.get_logger("node")


class Info:
    """Finds out, and remembers, who this node is."""

    def __init__(self, host: Host, metadata: Metadata, node_id: str, zone: str, volume_limit: int) -> None:
        """An empty ``node_id`` or ``zone`` is looked for."""
        self._host = host
        self._metadata = metadata
        self._node_id = node_id
        self._zone = zone
        self._volume_limit = volume_limit
        self._reason = "this node does not know its id yet"

    @property
    def reason(self) -> str:
        """Why the node does not know who it is; empty if it does. Answers from memory."""
        return "" if self._node_id and self._zone else self._reason

    async def identify(self) -> None:
        """Ask until it is known who this node is, and log it."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._who()
            except errors.Unavailable as error:
                if str(error) != self._reason:
                    log.warning("identity_unknown", error=error.message, remedy=error.remedy)
                self._reason = str(error)
            else:
                log.info("identity", node_id=self._node_id, region=self._zone)
                return
            await asyncio.sleep(pause)  # noqa: TID251 (nothing tells when the metadata service answers)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def get(self) -> NodeInfo:
        """Return who this node is. Raises Unavailable if nobody tells."""
        await self._who()
        return NodeInfo(self._node_id, self._zone, await self._limit())

    async def _who(self) -> None:
        self._node_id = self._node_id or await self._smbios() or await self._metadata.get("id", node_id)
        self._zone = self._zone or await self._metadata.get("region", zone)

    async def _smbios(self) -> str:
        def read() -> str:
            vendor = self._host.sysfs.smbios("sys_vendor")
            return self._host.sysfs.smbios("product_serial") if vendor == _VENDOR else ""

        try:
            return node_id(await self._host.threads.call(read, SECONDS, "reading SMBIOS"))
        except ValueError:
            return ""

    async def _limit(self) -> int:
        disks = await self._host.threads.call(partial(tuple, self._host.sysfs.disks()), SECONDS, "reading /sys")
        mounts = tuple(await self._host.mounts.table())
        staged = self._host.state.all(Staged)
        return attach_limit.room(self._volume_limit, disks, mounts, staged)

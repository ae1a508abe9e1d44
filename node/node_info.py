"""Who this node is: its server id, its zone, and how many volumes it can take. Asked once, then remembered.

Source: CSI 1.13 "NodeGetInfo". The id comes from the setting, else from SMBIOS, else from the metadata service.
"""

from functools import partial

from node.host.host import Host
from node.host.metadata import Metadata
from node.host.threads import SECONDS
from node.records.findings import NodeInfo
from node.records.state import Staged
from node.rules import attach_limit

_VENDOR = "DigitalOcean"


class Info:
    """Finds out, and remembers, who this node is."""

    def __init__(self, host: Host, metadata: Metadata, node_id: str, zone: str, volume_limit: int) -> None:
        """An empty ``node_id`` or ``zone`` is looked for."""
        self._host = host
        self._metadata = metadata
        self._node_id = node_id
        self._zone = zone
        self._volume_limit = volume_limit

    async def get(self) -> NodeInfo:
        """Return who this node is. Raises Unavailable if nobody tells."""
        self._node_id = self._node_id or await self._smbios() or await self._metadata.get("id")
        self._zone = self._zone or await self._metadata.get("region")
        return NodeInfo(self._node_id, self._zone, await self._limit())

    async def _smbios(self) -> str:
        def read() -> str:
            vendor = self._host.sysfs.smbios("sys_vendor")
            return self._host.sysfs.smbios("product_serial") if vendor == _VENDOR else ""

        return await self._host.threads.call(read, SECONDS, "reading SMBIOS")

    async def _limit(self) -> int:
        disks = await self._host.threads.call(partial(tuple, self._host.sysfs.disks()), SECONDS, "reading /sys")
        mounts = tuple(await self._host.mounts.table())
        staged = self._host.state.all(Staged)
        return attach_limit.room(self._volume_limit, disks, mounts, staged)

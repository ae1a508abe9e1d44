"""Who this node is: server id, zone, and how many volumes it can take. Asked until it is known, then remembered.

Source: CSI 1.13 "NodeGetInfo". The id comes from the setting, else from SMBIOS, else from the metadata service.
"""

import asyncio

import structlog

from common import errors
from common.clouds import CLOUDS
from common.converters import zone
from common.metadata import Metadata
from node.host import pod_facts
from node.host.host import Host
from node.host.mounts import read_table
from node.host.threads import SECONDS
from node.records.findings import NodeInfo
from node.records.state import Staged
from node.refusals import Refusals
from node.rules import attach_limit
from node.settings import NodeSettings, node_id

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
_METADATA = "the metadata service"

log = structlog.get_logger("node")


class Info:
    """Finds out, and remembers, who this node is."""

    idle_seconds = attach_limit.IDLE_SECONDS

    def __init__(self, host: Host, metadata: Metadata, refusals: Refusals, chosen: NodeSettings) -> None:
        """An id or zone that ``chosen`` does not name is looked for."""
        self._host = host
        self._metadata = metadata
        self._refusals = refusals
        self._chosen = chosen
        self._facts = CLOUDS[chosen.cloud]
        self._node_id, self._id_from = chosen.node_id, "AIOCSI_NODE_ID"
        self._zone, self._zone_from = chosen.region, "AIOCSI_REGION"
        self._mine = attach_limit.Mine(chosen.driver_name, str(chosen.kubelet_dir))
        self._idle_since: dict[str, float] = {}
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
            except errors.NotFinal as error:
                if str(error) != self._reason:
                    log.warning("identity_unknown", **errors.fields(error))
                self._reason = str(error)
            else:
                origins = {"node_id_from": self._id_from, "zone_from": self._zone_from}
                log.info("identity", node_id=self._node_id, zone=self._zone, **origins)
                return
            await asyncio.sleep(pause)  # noqa: TID251 (nothing tells when the metadata service answers)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def who(self) -> tuple[str, str]:
        """Return the node's id and zone. Raises Unavailable if no one tells."""
        await self._who()
        return self._node_id, self._zone

    async def get(self) -> NodeInfo:
        """Return who this node is. Raises Unavailable if no one tells."""
        await self._who()
        return NodeInfo(self._node_id, self._facts.zone_key, self._zone, await self._limit())

    async def _who(self) -> None:
        if not self._node_id and (found := await self._smbios()):
            self._node_id, self._id_from = found, "SMBIOS"
        if not self._node_id:
            found = await self._metadata.get(self._facts.metadata_id_path, self._server_id)
            self._node_id, self._id_from = found, _METADATA
        if not self._zone:
            self._zone, self._zone_from = await self._metadata.get(self._facts.metadata_zone_path, zone), _METADATA

    async def _smbios(self) -> str:
        def read() -> str:
            vendor = self._facts.firmware_vendor
            known = vendor and self._host.sysfs.smbios("sys_vendor") == vendor
            return self._host.sysfs.smbios("product_serial") if known else ""

        try:
            return self._server_id(await self._host.threads.call(read, SECONDS, "reading SMBIOS"))
        except ValueError:
            return ""

    def _server_id(self, text: str) -> str:
        """Return the id of a server of this cloud. Raises ValueError for what is none."""
        if not self._facts.is_server_id(node_id(text)):
            raise ValueError("it is not the id of a server of this cloud")
        return text

    async def _limit(self) -> int:
        seen = await self._host.threads.call(self._attached, SECONDS, "reading /sys")
        theirs, idle = attach_limit.sort(seen, self._mine)
        now = asyncio.get_running_loop().time()
        self._idle_since = {key: self._idle_since.get(key, now) for key in map(attach_limit.key, idle)}
        lasting = [since for since in self._idle_since.values() if now - since >= self.idle_seconds]
        most = attach_limit.most(seen.told, self._chosen.volume_limit)
        return attach_limit.room(most, self._chosen.volume_reserve, len(theirs) + len(lasting))

    def _attached(self) -> attach_limit.Attached:
        return attach_limit.Attached(
            disks=tuple(self._host.sysfs.disks()),
            mounts=tuple(read_table()),
            staged=self._host.state.all(Staged),
            asked_for=self._refusals.names(),
            told=pod_facts.told(self._chosen.pod_facts_dir, pod_facts.MAX_VOLUMES),
        )

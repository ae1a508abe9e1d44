"""The cloud's servers, what they were at each moment, and the controller's socket through which they are asked."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from betterproto2 import Message
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from csi_proto.csi import v1 as csi
from warden.controller import ControllerSocket, Reply

ON, OFF, CHANGING, GONE = "on", "off", "changing", "gone"
REASONS: Mapping[str, tuple[str, ...]] = {
    ON: (),
    OFF: ("ServerNotActive",),
    CHANGING: ("ServerChanging",),
    GONE: ("AttachedToUnknownServer",),
}


@dataclass
class Server:
    """One server: its state since when, oldest first."""

    states: list[tuple[float, str]] = field(default_factory=lambda: [(0.0, ON)])

    @property
    def state(self) -> str:
        """What it is now."""
        return self.states[-1][1]

    def become(self, state: str) -> None:
        """Change."""
        self.states.append((asyncio.get_running_loop().time(), state))

    def stopped(self, now: float) -> list[tuple[float, float]]:
        """Return from when to when it was off or gone, each time."""
        ends = [since for since, _ in self.states[1:]] + [now]
        return [(since, end) for (since, state), end in zip(self.states, ends, strict=True) if state in {OFF, GONE}]


@dataclass
class Cloud:
    """The servers, and which of them holds a volume."""

    servers: dict[str, Server] = field(default_factory=dict)
    holders: dict[str, str] = field(default_factory=dict)
    away: bool = False


class SimulatedSocket(ControllerSocket):
    """The controller, asked by the real client, without a wire."""

    def __init__(self, cloud: Cloud, dice: random.Random) -> None:
        super().__init__(Path("/nowhere"))
        self._cloud = cloud
        self._dice = dice

    async def _call(self, method: str, request: Message, reply: type[Reply], seconds: float = 10.0) -> Reply:  # noqa: ARG002
        await asyncio.sleep(self._dice.choice((0.01, 0.3, 2.0)))  # noqa: TID251  # virtual
        if self._cloud.away:
            raise self._dice.choice((GRPCError(Status.UNAVAILABLE, "the cloud is away"), ConnectionRefusedError()))
        handle = str(getattr(request, "volume_id", ""))
        holder = self._cloud.holders.get(handle, "")
        if method == "ControllerGetVolume":
            status = csi.ControllerGetVolumeResponseVolumeStatus(published_node_ids=[holder] if holder else [])
            return cast("Reply", csi.ControllerGetVolumeResponse(status=status))
        reasons = REASONS[self._cloud.servers[holder].state] if holder else ()
        inaccessible = csi.VolumeHealthErrorType.INACCESSIBLE
        entries = [csi.VolumeHealthVolumeHealthEntry(status=inaccessible, reason=each) for each in reasons]
        health = csi.VolumeHealth(volume_id=handle, health_statuses=entries)
        return cast("Reply", csi.ControllerGetVolumeHealthResponse(volume_health=health))

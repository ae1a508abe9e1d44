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
ILL = "AttachedTwice"
PAGE, BROKEN_PAGES, LEFT_OUT = 3, 0.1, 0.3
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
    """The servers, which of them holds a volume, and since when and until when a volume was ill."""

    servers: dict[str, Server] = field(default_factory=dict)
    holders: dict[str, str] = field(default_factory=dict)
    ill: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # by handle, the oldest first
    away: bool = False

    def is_ill(self, handle: str) -> bool:
        """Tell whether a volume is ill now."""
        return self.was_ill(handle, asyncio.get_running_loop().time())

    def was_ill(self, handle: str, after: float) -> bool:
        """Tell whether a volume has been ill since that moment, at least for a time."""
        return any(until >= after for _, until in self.ill.get(handle, ()))

    def is_the_same(self, handle: str, since: float) -> bool:
        """Tell whether a volume has been ill all the time since that moment."""
        return any(begin <= since and until == float("inf") for begin, until in self.ill.get(handle, ()))

    def turn(self, handle: str) -> None:
        """Let a volume become ill, or well again."""
        now, spells = asyncio.get_running_loop().time(), self.ill.setdefault(handle, [])
        if spells and spells[-1][1] == float("inf"):
            spells[-1] = (spells[-1][0], now)
        else:
            spells.append((now, float("inf")))


class SimulatedSocket(ControllerSocket):
    """The controller, asked by the real client, without a wire."""

    def __init__(self, cloud: Cloud, dice: random.Random) -> None:
        super().__init__(Path("/nowhere"))
        self._cloud = cloud
        self._dice = dice
        self._leaving = self._left_out = ""  # what this list, and the last whole one, are without though it is ill

    async def _call(self, method: str, request: Message, reply: type[Reply], seconds: float = 10.0) -> Reply:  # noqa: ARG002
        await asyncio.sleep(self._dice.choice((0.01, 0.3, 2.0)))  # noqa: TID251  # virtual
        if self._cloud.away:
            raise self._dice.choice((GRPCError(Status.UNAVAILABLE, "the cloud is away"), ConnectionRefusedError()))
        if method in {"ControllerListVolumeHealth", "ListVolumes"}:
            return cast("Reply", self._page(method, int(getattr(request, "starting_token", "") or "0")))
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

    def _page(self, method: str, first: int) -> csi.ControllerListVolumeHealthResponse | csi.ListVolumesResponse:
        """Return a page of a list, which breaks off at times; two whole ones in a row lack no volume that is ill."""
        if first and self._dice.random() < BROKEN_PAGES:
            raise GRPCError(Status.UNAVAILABLE, "the cloud does not answer this page")
        volumes = [f"handle-v{number}" for number in range(1, len(self._cloud.servers) + 1)]
        more = str(first + PAGE) if first + PAGE < len(volumes) else ""
        if method == "ListVolumes":
            self._left_out = self._left_out if more else self._leaving
            entries = [
                csi.ListVolumesResponseEntry(volume=csi.Volume(volume_id=each)) for each in volumes[first:][:PAGE]
            ]
            return csi.ListVolumesResponse(entries=entries, next_token=more)
        if not first:
            other = [each for each in volumes if each != self._left_out]
            self._leaving = self._dice.choice(other) if self._dice.random() < LEFT_OUT else ""
        ill = [each for each in volumes[first:][:PAGE] if each != self._leaving and self._cloud.is_ill(each)]
        status = csi.VolumeHealthVolumeHealthEntry(status=csi.VolumeHealthErrorType.DEGRADED, reason=ILL, message="ill")
        told = [csi.VolumeHealth(volume_id=each, health_statuses=[status]) for each in ill]
        return csi.ControllerListVolumeHealthResponse(entries=told, next_token=more)

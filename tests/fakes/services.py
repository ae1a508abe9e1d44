"""CSI services whose calls do what a test says."""

import asyncio
from collections.abc import Awaitable, Callable

from csi_proto.csi import v1 as csi

Act = Callable[[csi.DeleteVolumeRequest], Awaitable[None]]


async def nothing(_request: csi.DeleteVolumeRequest) -> None:
    """Succeed at once."""


class Deleting(csi.ControllerBase):
    """A controller that only deletes volumes: each call does ``act``; the others are not implemented."""

    def __init__(self, act: Act = nothing) -> None:
        self.act = act
        self.requests: list[csi.DeleteVolumeRequest] = []

    async def delete_volume(self, message: csi.DeleteVolumeRequest) -> csi.DeleteVolumeResponse:
        """Do what the test says."""
        self.requests.append(message)
        await self.act(message)
        return csi.DeleteVolumeResponse()


class Gate:
    """Something that calls wait at: the test sees how many arrived, and lets them go."""

    def __init__(self) -> None:
        self.arrived = 0
        self.cancelled = 0
        self.left = asyncio.Event()  # a call was cancelled here
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()

    async def __call__(self, _request: object = None) -> None:
        """Wait until the gate opens."""
        self.arrived += 1
        async with self._changed:
            self._changed.notify_all()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            self.left.set()
            raise

    async def until(self, arrived: int) -> None:
        """Wait until that many calls have come."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.arrived >= arrived)

    def open(self) -> None:
        """Let all go."""
        self._open.set()

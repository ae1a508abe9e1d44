"""A server in the test's own process, on a real Unix socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from common.identity import Identity
from common.metrics import Metrics
from common.rpc import Calls
from common.server import GrpcServer, Service
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting

CONTROLLER = "/csi.v1.Controller"


@dataclass(frozen=True)
class Served:
    """What a test may look at."""

    server: GrpcServer
    socket: Path
    metrics: Metrics
    controller: Deleting


@asynccontextmanager
async def serving(
    folder: Path, controller: Deleting | None = None, *, at_once: int = 64, silent_seconds: float = 0.0
) -> AsyncIterator[Served]:
    """Serve Identity and ``controller`` on ``folder``/csi.sock; at the end drain without grace."""
    metrics = Metrics()
    servicer = controller or Deleting()
    services: list[Service] = [Identity("driver.example", [], lambda: True), servicer]
    calls = Calls(metrics, at_once=at_once)
    server = GrpcServer(services, f"unix://{folder}/csi.sock", calls, silent_seconds=silent_seconds)
    await server.start()
    try:
        yield Served(server, folder / "csi.sock", metrics, servicer)
    finally:
        await server.drain(0)


PROBE = "/csi.v1.Identity/Probe"

DELETE = "/csi.v1.Controller/DeleteVolume"

VOLUME = bytes(csi.DeleteVolumeRequest(volume_id="v"))

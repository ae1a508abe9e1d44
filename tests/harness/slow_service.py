"""A service in a process of its own whose calls take as long as their volume id says: for tests of how it ends.

``python -m tests.harness.slow_service SOCKET GRACE_SECONDS``. DeleteVolume of ``2.5`` takes 2.5 seconds, that of
``until:FILE`` lasts until there is such a file, and that of ``commit:FILE:DONE`` the same as committed work, which
makes the file DONE at its end.
"""

# ruff: noqa: E402  # nothing may be imported before the process is made light
from common import slim_imports

slim_imports.shed()

import asyncio
import sys
from pathlib import Path

import structlog

from common import entry, logs, server
from common.converters import HostPort
from common.health import HealthServer
from common.identity import Identity
from common.metrics import Metrics
from common.rpc import Calls
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting

log = structlog.get_logger()


async def serve(socket: str, grace_seconds: float) -> None:
    """Serve until a signal."""
    tasks = Tasks()

    async def act(message: csi.DeleteVolumeRequest) -> None:
        log.info("arrived")
        kind, *files = message.volume_id.split(":")
        if kind == "until":
            await _until(Path(files[0]))
        elif kind == "commit":
            await tasks.finish(_work(*map(Path, files)))
        else:
            await asyncio.sleep(float(kind))

    services: list[server.Service] = [Identity("slow.example", [], lambda: True), Deleting(act)]
    metrics = Metrics()
    page = HealthServer(HostPort("127.0.0.1", 0), metrics, not_ready=lambda: "")
    await server.run([page, server.GrpcServer(services, socket, Calls(metrics))], tasks, grace_seconds)


async def _until(file: Path) -> None:
    while not file.exists():  # noqa: ASYNC110, ASYNC240  # another process makes it, in a test's own folder
        await asyncio.sleep(0.01)


async def _work(file: Path, done: Path) -> None:
    await _until(file)
    done.touch()  # noqa: ASYNC240  # a test's own folder


if __name__ == "__main__":
    logs.configure("json", "info")
    sys.exit(entry.main(serve(sys.argv[1], float(sys.argv[2]))))

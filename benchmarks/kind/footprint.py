"""What the driver's pods take of a node's memory: resident, container by container.

Source: proc_pid_status(5) (VmRSS); a container's processes are in a control group whose path has its id.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from tests.e2e.cluster.driver import NAMESPACE, RELEASE

Footprint = dict[str, dict[str, float]]
"""MiB by pod and container."""


async def footprint(client: AsyncClient) -> Footprint:
    """Return the resident memory of every container of the driver."""
    found: Footprint = {}
    async for pod in client.list(Pod, namespace=NAMESPACE, labels={"app.kubernetes.io/instance": RELEASE}):
        containers = (pod.status.containerStatuses if pod.status else None) or []
        name = pod.metadata.name if pod.metadata else ""
        found[str(name)] = {
            one.name: sum(_resident(one.containerID.rpartition("/")[2])) / 1024 for one in containers if one.containerID
        }
    return found


def _resident(container: str) -> Iterator[int]:
    """Yield the resident memory of each process of a container, KiB."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile
            if container in (process / "cgroup").read_text():
                lines = (process / "status").read_text().splitlines()
                yield from (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

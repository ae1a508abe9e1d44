"""How fast the embedded cloud answers with 10,000 volumes, and how many it attaches at once.

Against: 1,000 reads and 300 creates a second, 20 ms for a page of 200, 64 MiB idle, and 50 attaches on 50 droplets
within 3 s beyond the action's own time. The client shares the machine. The attaches need root.
``python -m benchmarks.localcloud_speed``.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.localcloud_client import Connection, spread
from tools.services import localcloud
from tools.services.localcloud import Process

VOLUMES = 10_000
READS = 10_000
PAGES = 100
CONNECTIONS = 16
DROPLETS = 50
ACTION_SECONDS = 1


async def main() -> None:
    """Measure and print."""
    print(f"load before              {os.getloadavg()[0]:8.1f} of {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        await requests(Path(name) / "requests")
        if os.geteuid() == 0:
            await attaches(Path(name) / "disks")
        else:
            print("attaches: skipped, loop devices need root")


async def requests(state: Path) -> None:
    """Measure memory, creates, reads and pages."""
    with Process(state, "--disks=none") as process:
        print(f"idle, no volume          {resident_mib(process.pid):8.1f} MiB of 64")
        async with AsyncExitStack() as stack:
            connections = [
                await stack.enter_async_context(Connection(process.ready.address, process.ready.token))
                for _ in range(CONNECTIONS)
            ]
            seconds = await timed(lambda: spread(connections, VOLUMES, create))
            print(f"creates                  {VOLUMES / seconds:8.0f} a second, at least 300")
            listed = json.loads((await connections[0].ask("GET", "/v2/volumes?per_page=200&page=25")).body)
            ids = [volume["id"] for volume in listed["volumes"]]
            seconds = await timed(
                lambda: spread(connections, READS, lambda n: ("GET", f"/v2/volumes/{ids[n % 200]}", ""))
            )
            print(f"reads, one volume by id  {READS / seconds:8.0f} a second, at least 1000")
            seconds = await timed(
                lambda: spread(connections, READS, lambda n: ("GET", f"/v2/volumes?name=v{n}&region=nyc1", ""))
            )
            print(f"reads, by name           {READS / seconds:8.0f} a second, at least 1000")
            await pages(connections[0])
        print(f"with {VOLUMES} volumes       {resident_mib(process.pid):8.1f} MiB")


async def pages(connection: Connection) -> None:
    """Measure pages of 200, one after the other."""
    spent = []
    for number in range(PAGES):
        started = time.perf_counter()
        await connection.ask("GET", f"/v2/volumes?per_page=200&page={number % 50 + 1}")
        spent.append(1000 * (time.perf_counter() - started))
    spent.sort()
    print(f"a page of 200            {statistics.median(spent):8.1f} ms, p99 {spent[-2]:.1f}, at most 20")


async def attaches(state: Path) -> None:
    """Measure 50 attaches on 50 droplets, with loop devices."""
    options = ("--disks=loop", f"--droplets={DROPLETS}", f"--action-latency={ACTION_SECONDS}")
    with Process(state, *options) as process:
        async with localcloud.client(process) as api:
            ids = [await api.create(f"v{number}") for number in range(DROPLETS)]
            pairs = list(zip(ids, process.ready.droplets, strict=True))

            async def all_at_once() -> None:
                async with asyncio.TaskGroup() as tasks:
                    for volume_id, droplet in pairs:
                        tasks.create_task(api.act(volume_id, "attach", droplet_id=droplet.id))

            seconds = await timed(all_at_once) - ACTION_SECONDS
    print(f"{DROPLETS} attaches at once      {seconds:8.2f} s beyond the action's time, at most 3")


def create(number: int) -> tuple[str, str, str]:
    """Return the request that makes one volume."""
    return "POST", "/v2/volumes", json.dumps({"name": f"v{number}", "size_gigabytes": 1, "region": "nyc1"})


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long work takes, seconds."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def resident_mib(pid: int) -> float:
    """Return the resident size of a process."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    asyncio.run(main())

"""Record what healthy services tell, for the rules: ``python -m tests.chart.record`` (root) writes healthy_hour.json.

Volumes of a real controller and two real nodes are made, moved, grown and deleted on the embedded cloud, and all three
are scraped sixty times, a second and a half apart. The rules' tests play the scrapes a minute apart. So levels, ages
and proportions are those of the run; only rates are lower than they were.
"""

import asyncio
import json
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from common import errors
from common.tasks import Tasks
from tools.csi.client import Client
from tools.csi.kubelet import mounted, raw
from tools.csi.life import GIB, Life
from tools.services.stack import Service, Stack, running

HOUR = Path(__file__).with_name("healthy_hour.json")
SCRAPES, SECONDS = 60, 1.5
_SAMPLE = re.compile(r"^(aiocsi_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


async def main() -> int:
    """Return the exit status."""
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        settings = {"AIOCSI_HTTP_ADDR": "127.0.0.1:0"}
        async with running(Path(folder), controller=settings, node=settings) as stack:
            tasks = Tasks()
            tasks.background(lives(stack), "lives")
            series = await record(stack)
            await tasks.close()
    HOUR.write_text(json.dumps(series, indent=0, sort_keys=True) + "\n")
    return 0


async def record(stack: Stack) -> dict[str, str]:
    """Scrape again and again; return each series in promtool's notation."""
    found: dict[str, list[str]] = {}
    for number in range(SCRAPES):
        for service in (stack.controller, *stack.nodes):
            page = await scraped(service)
            for name, labels, value in _SAMPLE.findall(page):
                if not name.endswith("_bucket"):
                    joined = ",".join(filter(None, (labels, f'instance="{service.name}"')))
                    values = found.setdefault(f"{name}{{{joined}}}", [])
                    values += ["_"] * (number - len(values)) + [value]
        await asyncio.sleep(SECONDS)  # noqa: TID251  # a moment later
    return {name: " ".join(values) for name, values in found.items()}


async def lives(stack: Stack) -> None:
    """Use volumes as pods do, for ever."""
    first, second = stack.nodes
    async with Client(stack.controller.socket) as controller, Client(first.socket) as one, Client(second.socket) as two:
        stay = [Life(f"pvc-stays-{number}", mounted()) for number in range(3)] + [Life("pvc-raw", raw())]
        for life in stay:
            await life.create(controller)
            await life.up(controller, one, first)
        for number in range(1000):
            life = Life(f"pvc-{number}", mounted("xfs" if number % 2 else "ext4"))
            await life.create(controller)
            await life.up(controller, one, first)
            (life.target_path(first) / "file").write_bytes(b"x" * 1_000_000)
            await life.grow(controller, 2 * GIB)
            await life.down(controller, one, first)
            await life.up(controller, two, second)
            await life.down(controller, two, second)
            with suppress(errors.DriverError):
                await life.delete(controller)


async def scraped(service: Service) -> str:
    """Return a service's page."""
    lines = (json.loads(line) for line in service.output().splitlines() if '"health"' in line)
    port = next(line["address"][0][1] for line in lines if line["event"] == "health")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    page = await reader.read()
    writer.close()
    return page.decode()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""What an idle node and an idle controller take, resident, MiB, with metrics and registration on. Needs no root.

Against: the budgets of 36 and 64 MiB. ``python -m benchmarks.memory``.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tools.processes import memory


async def measure() -> None:
    """Start each process once, and print its size."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / service for service in ("node", "controller")]
        for folder in folders:
            folder.mkdir()
        node, controller = await memory.idle_node(folders[0]), await memory.idle_controller(folders[1])
    version = sys.version.split()[0]
    print(f"node       {node.resident_mib:5.1f} MiB of 36, {len(node.loaded)} modules, Python {version}")
    print(f"controller {controller.resident_mib:5.1f} MiB of 64, {len(controller.loaded)} modules, Python {version}")


if __name__ == "__main__":
    asyncio.run(measure())

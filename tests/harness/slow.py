"""The slow service (see ``slow_service``) as a process."""

import json
import os
import resource
import sys
from pathlib import Path

from tools.processes.memory import address_space_mib
from tools.processes.program import Program

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 120.0  # much longer than anything that a test waits for
START_SECONDS = 40.0
SOON_SECONDS = 25.0  # on a machine that is busy with something else


class Service(Program):
    """The slow service, and clients of it."""

    def __init__(self, folder: Path, name: str = "service", grace_seconds: float = GRACE_SECONDS) -> None:
        self.socket = folder / "csi.sock"
        argv = [sys.executable, "-m", "tests.harness.slow_service", f"unix://{self.socket}", str(grace_seconds)]
        super().__init__(name, argv, os.environ, folder / f"{name}.log", ROOT)

    async def up(self) -> None:
        """Start it, and wait until it serves."""
        self.start()
        await self.said("serving")

    async def said(self, event: str, times: int = 1) -> None:
        """Wait until it has logged ``event`` so often."""
        wanted = f'"event": "{event}"'
        await self.until(lambda: self.output().count(wanted) >= times or None, event, START_SECONDS)

    @property
    def health_port(self) -> int:
        """The port of its health page."""
        (line,) = [line for line in self.output().splitlines() if '"event": "health"' in line]
        return int(json.loads(line)["address"][0][1])

    def cap_memory(self, more_mib: int) -> None:
        """Let it take so much more memory than now, and no more: what it asks for beyond that, it is refused."""
        most = int(address_space_mib(self.pid) + more_mib) << 20
        resource.prlimit(self.pid, resource.RLIMIT_AS, (most, most))

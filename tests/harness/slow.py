"""The slow service (see ``slow_service``) as a process."""

import os
import sys
from pathlib import Path

from tests.harness.processes import Program

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

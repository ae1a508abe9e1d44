"""The tutorial "Your first volume", typed in as it stands: each command does what the page says."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tools.processes.program import Program

pytestmark = pytest.mark.timeout(300)  # some twenty starts of Python, on a machine that may be busy

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "tutorials" / "first-volume.md"
END_SECONDS = 120
A_VOLUME_ID = re.compile(r"^VOLUME=[0-9a-f-]{36}$", re.MULTILINE)


def typed() -> str:
    """Return what the reader types into the second terminal, with the volume's id as it is this time."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    commands = "".join(block for block in blocks if "make run" not in block and "export RUN=" not in block)
    known = 'VOLUME=$(csi $CONTROLLER ListVolumes | sed -n \'s/.*"volumeId": "\\(.*\\)".*/\\1/p\')'
    script, replaced = A_VOLUME_ID.subn(lambda _: known, commands)
    assert replaced == 1
    return script


@pytest.mark.asyncio
async def test_the_tutorial_does_what_it_says(short_folder: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(short_folder)}
    services = Program(
        "make run", [sys.executable, "-m", "tools.walkthrough", "--keep"], environment, tmp_path / "log", ROOT
    )
    services.start()
    try:
        await services.until(lambda: True if "/cloud/log\n" in services.output() else None, "greeting", END_SECONDS)
        lines = [line for line in services.output().splitlines() if line.startswith(("  export ", "  csi() "))]
        assert len(lines) == 4
        reader = Program(
            "reader", ["bash", "-c", "\n".join(lines) + "\n" + typed()], environment, tmp_path / "said", ROOT
        )
        reader.start()
        await reader.ended(END_SECONDS)
        services.signal(signal.SIGINT)
        assert await services.ended(END_SECONDS) == 0
    finally:
        services.kill()
    said = reader.output()
    sums = re.findall(r"^([0-9a-f]{64})  ", said, re.MULTILINE)
    assert (len(sums), len(set(sums))) == (2, 1), said
    assert said.count("hello from node A") == 1
    assert len(re.findall(r"FAILED_PRECONDITION: AIOCSI-[A-Z0-9]+: volume ", said)) == 2
    assert said.count("remedy") == 2, said

"""The tutorials, typed in as they stand: each command does what the page says, and prints what the page shows.

The one with virtual machines is played in ``tests/vm``, the one on a cluster in ``tests/e2e``.
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from tests.harness import tutorial
from tests.harness.tutorial import FOLDER, Shell
from tools.processes import traces
from tools.processes.program import Program
from tools.services.stack import free_port
from tools.venv import ROOT

pytestmark = pytest.mark.timeout(300)  # some twenty starts of Python, on a machine that may be busy

END_SECONDS = 120


@pytest.mark.parametrize(
    ("shown", "said", "fit"),
    [
        ("…\nid 7940e7f5-c368-430c-981a-7f56348a24c7, 2 looks\n…\n", "a\nid 0…\nb", False),
        ("…\nid 7940e7f5-c368-430c-981a-7f56348a24c7, 2 looks\n…\n", f"a\nid {UUID(int=1)}, 13 looks\nb", True),
        ("one\n", "one\ntwo\n", False),
        ("TOKEN=dop_v1_12… x", "TOKEN=dop_v1_ffee x", True),
    ],
)
def test_what_differs_each_time_fits_and_nothing_else_does(shown: str, said: str, *, fit: bool) -> None:
    assert tutorial.fits(shown, said) is fit


@pytest.mark.asyncio
async def test_your_first_volume_does_and_shows_what_it_says(short_folder: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(short_folder)}
    argv = [sys.executable, "-m", "tools.walkthrough", "--keep"]
    services = Program("make run", argv, environment, tmp_path / "log", ROOT)
    services.start()
    try:
        await services.until(lambda: True if "/cloud/log\n" in services.output() else None, "greeting", END_SECONDS)
        with Shell(environment) as shell:
            _, keep, *rest = tutorial.blocks(FOLDER / "first-volume.md")  # make run itself is played by its own tests
            greeting = services.output().replace(str(short_folder), "/tmp")
            assert tutorial.fits(keep.shown or "", greeting.replace(sys.executable, ".venv/bin/python"))
            lines = [line for line in services.output().splitlines() if line.startswith(("  export ", "  csi() "))]
            await asyncio.to_thread(shell.type, "\n".join(lines))
            assert await asyncio.to_thread(tutorial.wrong, rest, shell, {"/tmp": str(short_folder)}) == []
        services.signal(signal.SIGINT)
        assert await services.ended(END_SECONDS) == 0
    finally:
        services.kill()


@pytest.mark.asyncio
async def test_a_cloud_on_your_laptop_does_and_shows_what_it_says(short_folder: Path, tmp_path: Path) -> None:
    state, address = short_folder / "my-cloud", f"127.0.0.1:{free_port()}"
    program = str(Path(sys.executable).with_name("aiocsi-localcloud"))
    argv = [sys.executable, program, "--state", str(state), "--listen", address]
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(short_folder)}
    cloud = Program("make cloud", argv, environment, tmp_path / "log", ROOT)
    fill = {"/tmp": str(short_folder), "127.0.0.1:8080": address}
    with ExitStack() as ending, Shell(environment) as shell:
        ending.callback(cloud.kill)
        ending.callback(traces.clean, short_folder)
        shell.type('sudo() { "$@"; }')
        for block in tutorial.blocks(FOLDER / "cloud-on-your-laptop.md"):
            if block.commands.startswith("make cloud"):
                if since := cloud.log_size:
                    await cloud.ended(END_SECONDS)  # the page has killed it
                cloud.start()
                await cloud.until(lambda: True if cloud.output(since).endswith("\n") else None, "greeting", END_SECONDS)
            else:
                assert await asyncio.to_thread(tutorial.wrong, [block], shell, fill) == []
        cloud.signal(signal.SIGINT)
        assert await cloud.ended(END_SECONDS) == 0

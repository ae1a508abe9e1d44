"""The program behind ``make run``: exit status 0 all went as it must, 1 a step failed, 2 it cannot run here."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.processes import traces
from tools.processes.program import ProgramFailed
from tools.processes.reaper import Reaper
from tools.services.machine import missing_for_disks
from tools.walkthrough import keep
from tools.walkthrough.display import shown
from tools.walkthrough.play import STEP_COUNT, Play, StepFailed

INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="make run", description="Play a volume's whole life on real disks.")
    parser.add_argument("--keep", action="store_true", help="start the services only, and leave them up until Ctrl-C")
    options = parser.parse_args(argv)
    base = Path(tempfile.gettempdir())
    if missing := missing_for_disks(base):
        print(f"make run: {missing}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="aiocsi-", dir=base)).resolve()
    os.environ[traces.MARK] = str(folder)
    try:
        with Reaper(folder, remove=True):
            return asyncio.run(keep.until_interrupted(folder) if options.keep else _play(folder))
    except KeyboardInterrupt:
        print("make run: interrupted; everything that it made is gone", file=sys.stderr)
        return INTERRUPTED
    except ProgramFailed as error:  # of --keep: a step of the play tells its own failure
        print(f"make run: {error}", file=sys.stderr)
        return 1


async def _play(folder: Path) -> int:
    """Play, and remove the folder; after a failure the logs in it are kept."""
    with shown(STEP_COUNT) as display:
        try:
            await Play(folder, display).whole()
        except StepFailed as failure:
            traces.clean(folder)
            display.say(f"{failure}\nThe logs are in {folder} (cloud/log, controller/log, node-a/log, node-b/log).")
            return 1
        except BaseException:
            traces.remove(folder)
            raise
        traces.remove(folder)
        return 0


if __name__ == "__main__":
    sys.exit(main())

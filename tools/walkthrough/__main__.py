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
from tools.walkthrough import keep, story_page
from tools.walkthrough.display import shown
from tools.walkthrough.play import STEP_COUNT, Play, StepFailed

INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="make run", description="Play a volume's whole life on real disks.")
    parser.add_argument("--keep", action="store_true", help="start the services only, and leave them up until Ctrl-C")
    parser.add_argument("--facts", action="store_true", help="show each request, program and mount of each step")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the run as one page with a sequence diagram")
    options = parser.parse_args(argv)
    base = Path(tempfile.gettempdir())
    if missing := missing_for_disks(base):
        print(f"make run: {missing}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="aiocsi-", dir=base)).resolve()
    os.environ[traces.MARK] = str(folder)
    try:
        with Reaper(folder, remove=True):
            return asyncio.run(
                keep.until_interrupted(folder) if options.keep else _play(folder, options.html, facts=options.facts)
            )
    except KeyboardInterrupt:
        print("make run: interrupted; everything that it made is gone", file=sys.stderr)
        return INTERRUPTED
    except ProgramFailed as error:  # of --keep: a step of the play tells its own failure
        print(f"make run: {error}", file=sys.stderr)
        return 1


async def _play(folder: Path, html: Path | None, *, facts: bool) -> int:
    """Play, and remove the folder; after a failure the logs in it are kept."""
    with shown(STEP_COUNT, facts=facts) as display:
        try:
            play = Play(folder, display)
            await play.whole()
        except StepFailed as failure:
            traces.clean(folder)
            display.say(f"{failure}\nThe logs are in {folder} (cloud/log, controller/log, node-a/log, node-b/log).")
            return 1
        except BaseException:
            traces.remove(folder)
            raise
        traces.remove(folder)
        if html is not None:
            await asyncio.to_thread(html.write_text, story_page.page(play.done, play.names), encoding="utf-8")
            display.say(f"The run as a page: {html}")
        return 0


if __name__ == "__main__":
    sys.exit(main())

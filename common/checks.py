"""``--check``: tries what a service needs, and prints one line for each: what was found, or what to do.

It changes nothing, and may run beside the service.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import deadlines, errors, redaction
from common.codes import Code
from common.printable import printable

SECONDS = 10.0  # longest time of one check


@dataclass(frozen=True)
class Check:
    """One precondition. ``run`` returns what it found, or raises DriverError or OSError.

    ``needs`` names other checks, without which this one cannot be tried.
    """

    name: str
    run: Callable[[], Awaitable[str]]
    needs: tuple[str, ...] = ()


async def report(checks: Sequence[Check], show: Callable[[str], object] = sys.stdout.write) -> int:
    """Try each, show its line; return the exit status: 0 if all hold, else 1."""
    failed: set[str] = set()
    for check in checks:
        if lacking := [name for name in check.needs if name in failed]:
            failed.add(check.name)
            show(f"✗ {check.name}: not tried without: {', '.join(lacking)}\n")
            continue
        found, problem = await _try(check)
        if problem:
            failed.add(check.name)
        line = f"✗ {check.name}: {problem}" if problem else f"✓ {check.name}: {found}"
        show(f"{printable(redaction.scrub(line))}\n")
    return 1 if failed else 0


async def _try(check: Check) -> tuple[str, str]:
    """Return what was found, and what is wrong; one of them is empty."""
    with deadlines.until(asyncio.get_running_loop().time() + SECONDS) as obstacle:
        try:
            async with asyncio.timeout(SECONDS + 1):
                return await check.run() or "yes", ""
        except TimeoutError:
            return "", "; ".join([*obstacle, f"nothing in {SECONDS:g} s"])
        except (errors.DriverError, OSError) as error:
            return "", str(error) or type(error).__name__


def directory(name: str, path: Path, remedy: str, *, made: bool = False) -> Check:
    """Return the check that the directory can be written; ``made``: the service makes it, so one above it will do."""

    async def run() -> str:
        there = next(each for each in (path, *path.parents) if each.exists()) if made else path
        if not there.is_dir():
            raise errors.FailedPrecondition(f"{path} is not a directory", remedy=remedy, error_code=Code.DIRECTORY)
        if not os.access(there, os.W_OK | os.X_OK):
            raise errors.FailedPrecondition(f"{there} cannot be written", remedy=remedy, error_code=Code.DIRECTORY)
        return str(path) if there == path else f"{path}, which is made at the start"

    return Check(name, run)

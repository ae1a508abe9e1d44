"""Processor time that the controller takes until its socket answers, and which modules take it. Needs no root.

Against: 1.0 s. ``python -m benchmarks.start_up``. Processor time, since other work on the machine does not count in it.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.api_cost.stand import standing

TARGET_SECONDS = 1.0
STARTS = 5
LONGEST = 15


async def measure() -> bool:
    """Start the controller a few times; print what each start took; return whether the best is within the target."""
    found = [await _start() for _ in range(STARTS)]
    best = min(found)
    told = ", ".join(f"{seconds:.2f}" for seconds in sorted(found))
    print(f"controller ready after {best:.2f} s of processor time (target {TARGET_SECONDS}; all starts: {told})")
    await _imports()
    return best <= TARGET_SECONDS


async def _start() -> float:
    async with standing(1) as stand:
        return _processor_seconds(stand.controller.pid)


def _processor_seconds(pid: int) -> float:
    """Return what a process has used. Source: proc_pid_stat(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _imports() -> None:
    """Print the modules whose own code takes longest to import, of the whole in milliseconds."""
    with tempfile.TemporaryFile() as told:
        argv = (sys.executable, "-X", "importtime", "-c", "import controller.__main__")
        process = await asyncio.create_subprocess_exec(*argv, stderr=told)  # noqa: TID251 (a benchmark)
        await process.wait()
        told.seek(0)
        lines = [line.removeprefix(b"import time:").decode().split("|") for line in told.readlines()[1:]]
    own = sorted(((int(mine) / 1000, name.strip()) for mine, _, name in lines), reverse=True)
    print(
        f"imports: {sum(each for each, _ in own):.0f} ms in {len(own)} modules; the longest, without what they import:"
    )
    for milliseconds, name in own[:LONGEST]:
        print(f"  {milliseconds:6.1f} {name}")


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(measure()) else 1)

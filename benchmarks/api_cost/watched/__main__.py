"""Run the controller, and write at its end how long its longest callback has held up the event loop, and which.

Processor time of the thread, not wall time: the machine has other work, which is not the controller's doing.
"""

import asyncio
import gc
import json
import sys
import time

from controller.__main__ import main

run_callback = asyncio.Handle._run  # noqa: SLF001 (there is no public place to time callbacks without debug mode)
longest: tuple[float, str] = (0.0, "")


def watched(handle: asyncio.Handle) -> None:
    """Run a callback and note how long it took."""
    global longest  # noqa: PLW0603 (one number for the whole process)
    what = repr(handle)  # before it runs: afterwards the task may have ended
    start = time.thread_time()
    run_callback(handle)
    seconds = time.thread_time() - start
    if seconds > longest[0]:
        longest = (seconds, what)


class Collections:
    """How long the longest run of the garbage collector took, seconds of processor time."""

    longest = 0.0
    started = 0.0

    def note(self, phase: str, info: dict[str, int]) -> None:
        """Take note of the begin or end of a run."""
        if phase == "start":
            self.started = time.thread_time()
        else:
            self.longest = max(self.longest, time.thread_time() - self.started)
        del info


if __name__ == "__main__":
    collections = Collections()
    gc.callbacks.append(collections.note)
    asyncio.Handle._run = watched  # type: ignore[method-assign, assignment]  # noqa: SLF001 (see above)
    asyncio.TimerHandle._run = watched  # type: ignore[method-assign, assignment]  # noqa: SLF001 (see above)
    status = main([])
    print(
        json.dumps(
            {"longest_callback_seconds": longest[0], "callback": longest[1][:300], "collection": collections.longest}
        ),
        flush=True,
    )
    sys.exit(status)

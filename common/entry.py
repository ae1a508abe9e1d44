"""How the process of a service ends: status 0 after a signal, 1 and one clear line when it cannot go on.

It does not end by a signal that is sent to make a program reload something, or by accident: its socket would stay.
"""

import asyncio
import signal
from collections.abc import Coroutine

import structlog

from common import errors

log = structlog.get_logger()

IGNORED = (
    *(signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPWR),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO),  # of timers and files: none of ours
)


def main(work: Coroutine[object, object, None]) -> int:
    """Run ``work`` to its end and return the exit status. Only an unforeseen error leaves a traceback, in the log."""
    for number in IGNORED:  # until the server tells of them; a handler of ours is not inherited by programs
        signal.signal(number, lambda _number, _frame: None)
    try:
        asyncio.run(work)
    except (errors.DriverError, OSError) as error:
        log.critical("ended", **errors.fields(error))
        return 1
    except KeyboardInterrupt:  # before ``server.run`` listened for signals
        return 128 + signal.SIGINT
    except Exception as error:  # the last line before the process ends
        log.critical("ended", error_class=type(error).__name__, exc_info=error)
        return 1
    return 0

"""How the process of a service ends: status 0 after a signal, 1 and one clear line when it cannot go on."""

import asyncio
import signal
from collections.abc import Coroutine

import structlog

from common import errors, redaction

log = structlog.get_logger()


def main(work: Coroutine[object, object, None]) -> int:
    """Run ``work`` to its end and return the exit status. Only an unforeseen error leaves a traceback, in the log."""
    try:
        asyncio.run(work)
    except (errors.DriverError, OSError) as error:
        log.critical("ended", error=redaction.scrub(str(error)))
        return 1
    except KeyboardInterrupt:  # before ``server.run`` listened for signals
        return 128 + signal.SIGINT
    except Exception as error:  # the last line before the process ends
        log.critical("ended", error=type(error).__name__, exc_info=error)
        return 1
    return 0

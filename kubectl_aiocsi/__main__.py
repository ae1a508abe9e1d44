"""``kubectl-aiocsi``: kubectl finds it by its name, and runs it as ``kubectl aiocsi``."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from common.printable import printable
from kubectl_aiocsi import adopt, bundle, doctor, drift, why
from kubectl_aiocsi.api import Api, NotReadError, connect
from kubectl_aiocsi.completion import SHELLS
from kubectl_aiocsi.options import NAME, PROGRAM, USAGE, Options, UsageError, named, parse
from kubectl_aiocsi.records import CSI_DRIVERS, DEFAULT_DRIVER, DRIVER_LABEL
from kubectl_aiocsi.terminal import Terminal, standard

UNREADABLE = 3
Verb = Callable[[Api, Options, str, Terminal], Awaitable[int]]
RUN: dict[str, Verb] = {
    "adopt": adopt.run,
    "bundle": bundle.run,
    "doctor": doctor.run,
    "drift": drift.run,
    "why": why.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: that of the verb, 3 the cluster cannot be read, 64 wrong usage, 130 Ctrl-C."""
    options = parse(sys.argv[1:] if argv is None else argv)
    terminal = standard(options.color)
    try:
        if not _is_asked_of_the_cluster(options, terminal):
            return 0
        return asyncio.run(_ask(options, terminal))
    except (UsageError, NotReadError) as error:
        terminal.done()
        print(f"{PROGRAM}: {printable(str(error))}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else UNREADABLE
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough: head, less
        return 0
    except OSError as error:  # what is read is caught where it is read
        print(f"{PROGRAM}: the answer cannot be written: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    except KeyboardInterrupt:
        terminal.done()
        return 130


def _is_asked_of_the_cluster(options: Options, terminal: Terminal) -> bool:
    """Answer what needs no cluster; return whether more is asked for. Raises UsageError."""
    if options.verb == "completion":
        terminal.line(SHELLS[options.shell])
    elif options.verb == "doctor" and options.ids:
        doctor.ids(terminal)
    else:
        if options.namespace and NAME.fullmatch(options.namespace) is None:
            raise UsageError(f"{options.namespace!r} is the name of no namespace")
        if options.verb == "why":
            named(options.what)
        if options.verb == "bundle":
            bundle.seconds(options.since)
        return True
    return False


async def _ask(options: Options, terminal: Terminal) -> int:
    async with connect(options.where) as api:
        driver = options.driver or await installed_driver(api)
        return await RUN[options.verb](api, options, driver, terminal)


async def installed_driver(api: Api) -> str:
    """Return the name of the driver that the chart has installed: the default one, if it is among several or none."""
    try:
        drivers = await api.every(CSI_DRIVERS)
    except NotReadError:
        return DEFAULT_DRIVER
    ours = [each.name for each in drivers if each.label(DRIVER_LABEL)]
    return DEFAULT_DRIVER if DEFAULT_DRIVER in ours or not ours else ours[0]


if __name__ == "__main__":
    sys.exit(main())

"""Kill a process of the stack as a crash does."""

import signal

from tests.harness.stack import LocalCloud, Service, Stack


def victim(stack: Stack, name: str) -> LocalCloud | Service:
    """Return the program of that name."""
    programs: list[LocalCloud | Service] = [stack.localcloud, stack.controller, *stack.nodes]
    return next(program for program in programs if program.name == name)


async def kill(program: LocalCloud | Service) -> None:
    """Kill it as a crash does; what it started dies with it, as in a container."""
    program.signal(signal.SIGKILL)
    await program.ended(10)
    program.kill()

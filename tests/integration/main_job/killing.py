"""Kill a process of the stack as a crash does."""

from tools.services.stack import LocalCloud, Service, Stack


def victim(stack: Stack, name: str) -> LocalCloud | Service:
    """Return the program of that name."""
    programs: list[LocalCloud | Service] = [stack.localcloud, stack.controller, *stack.nodes]
    return next(program for program in programs if program.name == name)


async def kill(program: LocalCloud | Service) -> None:
    """Kill it as a crash does; what it started in its own process group dies with it."""
    program.kill()

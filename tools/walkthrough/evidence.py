"""What really happened during a step: API requests, programs that were run, mounts that came and went.

Nothing here is told by the step itself: requests come from localcloud's ledger, programs from the nodes' logs, mounts
from the kernel.
"""

import json
from dataclasses import dataclass
from typing import Self

from tools.processes import traces
from tools.services.embedded_cloud import OUR_LOOK, Json, objects
from tools.services.stack import Node, Stack


@dataclass(frozen=True)
class Happened:
    """The facts of one step, each a line to read."""

    requests: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """Where ledger, logs and mounts stood; ``until_now`` tells what came after."""

    stack: Stack
    ledger: int
    logs: tuple[int, ...]
    mounts: tuple[traces.Mount, ...]

    @classmethod
    async def now(cls, stack: Stack) -> Self:
        """Look at everything once."""
        requests = objects(await stack.cloud.get("/_localcloud/ledger/requests"), "requests")
        last = requests[-1]["seq"] if requests else 0
        assert isinstance(last, int), last
        return cls(stack, last, tuple(node.log_size for node in stack.nodes), _mounts(stack))

    async def until_now(self) -> Happened:
        """Return what happened since."""
        path = f"/_localcloud/ledger/requests?after={self.ledger}"
        requests = [_request(each) for each in objects(await self.stack.cloud.get(path), "requests")]
        programs = [
            line for node, since in zip(self.stack.nodes, self.logs, strict=True) for line in _programs(node, since)
        ]
        now = _mounts(self.stack)
        gone = [f"unmounted {mount.point}" for mount in self.mounts if mount not in now]
        come = [mount.line for mount in now if mount not in self.mounts]
        return Happened(tuple(line for line in requests if line), tuple(programs), (*gone, *come))


def _mounts(stack: Stack) -> tuple[traces.Mount, ...]:
    return traces.mounts(stack.folder)


def _request(entry: dict[str, Json]) -> str:
    if str(entry["path"]).startswith("/_localcloud/") or entry["query"] == OUR_LOOK:
        return ""
    query = f"?{entry['query']}" if entry["query"] else ""
    return f"{entry['method']} {entry['path']}{query} → {entry['status']}"


def _programs(node: Node, since: int) -> list[str]:
    """Return what a node's log tells of programs: their command line, how long they took, how they ended."""
    events = [json.loads(line) for line in node.output(since).splitlines() if line.startswith("{")]
    return [
        f"{node.name}: {' '.join(event['argv'])} → {event['status']}, {float(event['seconds']) * 1000:.0f} ms"
        for event in events
        if event.get("event") == "program"
    ]

"""What really happened during a step: API requests, programs that were run, mounts that came and went.

Nothing here is told by the step itself: requests come from localcloud's ledger, programs from the nodes' logs, mounts
from the kernel.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from tools.processes import traces
from tools.services.embedded_cloud import OUR_LOOK, Json, objects
from tools.services.stack import Node, Stack

NOTHING_FOUND = 2  # blkid's exit status for a blank device


@dataclass(frozen=True)
class Request:
    """A request to the cloud; ``at`` is when it was answered, seconds since 1970. Status 0: the reply was lost."""

    at: float
    method: str
    path: str
    query: str
    status: int

    @property
    def line(self) -> str:
        """Return it as a line to read."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.method} {self.path}{query} → {self.status or 'no reply'}"


@dataclass(frozen=True)
class Ran:
    """A program that a node has run; ``at`` is when it ended, seconds since 1970."""

    at: float
    node: str
    argv: tuple[str, ...]
    status: int
    seconds: float

    @property
    def name(self) -> str:
        """Return its name, or what its end says."""
        return "blank" if self.argv[0] == "blkid" and self.status == NOTHING_FOUND else self.argv[0]

    @property
    def line(self) -> str:
        """Return it as a line to read."""
        found = " (nothing found)" if self.name == "blank" else ""
        return f"{self.node}: {' '.join(self.argv)} → {self.status}{found}, {self.seconds * 1000:.0f} ms"


@dataclass(frozen=True)
class Happened:
    """The facts of one step."""

    requests: tuple[Request, ...] = ()
    programs: tuple[Ran, ...] = ()
    mounts: tuple[str, ...] = ()

    @property
    def cloud(self) -> str:
        """Return what the cloud was asked, in a few words."""
        looks = sum(request.method == "GET" for request in self.requests)
        counts = ((len(self.requests) - looks, "change"), (looks, "look"))
        return ", ".join(f"{number} {what}{'s' if number > 1 else ''}" for number, what in counts if number)

    def node(self, name: str) -> str:
        """Return what a node has run, in a few words."""
        names = [ran.name for ran in self.programs if ran.node == name and ran.argv[0] != "umount"]
        unmounted = any(ran.node == name and ran.argv[0] == "umount" for ran in self.programs)
        return " → ".join([*dict.fromkeys(names), *(["umount"] if unmounted else [])])


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
        asked = objects(await self.stack.cloud.get(path), "requests")
        programs = [
            ran for node, since in zip(self.stack.nodes, self.logs, strict=True) for ran in _programs(node, since)
        ]
        now = _mounts(self.stack)
        gone = [f"unmounted {mount.point}" for mount in self.mounts if mount not in now]
        come = [_shown(mount.line) for mount in now if mount not in self.mounts]
        return Happened(tuple(map(_request, filter(_is_drivers, asked))), tuple(programs), (*gone, *come))


def _mounts(stack: Stack) -> tuple[traces.Mount, ...]:
    return traces.mounts(stack.folder)


def _shown(line: str) -> str:
    """A device that is bind-mounted as a file looks as if the file system under it was the volume's."""
    before, separator, under = line.partition(" - ")
    return (
        f"{before} (a device node, bind-mounted)"
        if under.startswith(("devtmpfs", "tmpfs"))
        else before + separator + under
    )


def _is_drivers(entry: dict[str, Json]) -> bool:
    return not str(entry["path"]).startswith("/_localcloud/") and entry["query"] != OUR_LOOK


def _request(entry: dict[str, Json]) -> Request:
    at, status = entry["at"], entry["status"]
    assert isinstance(at, float), entry
    assert isinstance(status, int), entry
    return Request(at, str(entry["method"]), str(entry["path"]), str(entry["query"]), status)


def _programs(node: Node, since: int) -> list[Ran]:
    """Return what a node's log tells of programs."""
    events = [json.loads(line) for line in node.output(since).splitlines() if line.startswith("{")]
    return [
        Ran(_at(event), node.name, tuple(event["argv"]), int(event["status"]), float(event["seconds"]))
        for event in events
        if event.get("event") == "program"
    ]


def _at(event: dict[str, str]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()

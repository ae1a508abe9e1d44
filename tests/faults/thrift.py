"""No request is wasted: what a process was told of its own actions keeps it from asking for the same once more.

An action was the process's own if the reply to its start has reached it. While one is under way, it starts no other on
the volume, and deletes no such volume: the cloud would refuse. One that is much older than actions become, or whose
droplet is gone, holds it back no more. On the droplet it may try to start the next one, since that tells whether this
one is still under way, but not all the time. When it was told that one is done, and has begun nothing else on the
volume since, it does not ask for the same again, unless it had given that one up as overdue. An attach carries the tag
of the cluster if the process was told that the volume lacks it, and not if it was told that the volume has it.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from controller.running_actions import OVERDUE_SECONDS
from tests.faults.cloud.api import Json
from tests.faults.cloud.records import CLUSTER, Action
from tests.faults.cloud.state import CloudState
from tests.faults.sim.loop import Process

TRIES_AT_ONCE, TRIES_A_SECOND = 3, 4  # to start the next action on a droplet
CHANGED_SECONDS = 120.0  # so long after a change of its own a process may not believe a list
TURN_SECONDS = 30.0  # so long a request that is made up already may wait for its turn


class World(Protocol):
    """What is looked at."""

    cloud: CloudState

    def now(self) -> float: ...  # virtual seconds
    def broken(self, what: str) -> None: ...  # ends the run


class Thrift:
    """What each process was told of its actions, and whether it asks for more than it needs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._moments = itertools.count()
        self._owners: dict[int, Process] = {}
        self._begun: dict[tuple[Process, str], int] = {}  # the moment of the last start on a volume
        self._tries: Counter[int] = Counter()  # to start another action on the droplet of this one
        self._tags: dict[tuple[Process, str], tuple[float, frozenset[str]]] = {}  # of a volume, and when it was told
        self._misled: set[tuple[Process, str]] = set()
        self._told: dict[tuple[int, str], int] = {}  # an action's id and status, and the moment of the news

    def moment(self) -> int:
        """Return a number that grows: what was told at a smaller one was known."""
        return next(self._moments)

    def called(self, process: Process, method: str, volume_id: str) -> None:
        """A call is about to be made. From an attach on, only the cloud knows where the volume is."""
        if method == "ControllerPublishVolume":
            self._begun[process, volume_id] = self.moment()

    def told(self, sender: Process, method: str, answer: Json) -> None:
        """A reply has reached the process."""
        self._note_tags(sender, answer)
        one, several = answer.get("action"), answer.get("actions")
        for action in [one] if isinstance(one, dict) else several if isinstance(several, list) else []:
            action_id = int(action["id"])
            if method == "POST":
                self._owners[action_id] = sender
            if self._owners.get(action_id) is sender:
                self._told.setdefault((action_id, str(action["status"])), self.moment())

    def misled(self, sender: Process, path: str) -> None:
        """A reply was not the cloud's own: the process may give up what it knows of that volume."""
        parts = path.removeprefix("/v2/").split("/")
        if parts[0] == "volumes" and len(parts) > 1:
            self._misled.add((sender, parts[1]))

    def _note_tags(self, sender: Process, answer: Json) -> None:
        one, several = answer.get("volume"), answer.get("volumes")
        for volume in [one] if isinstance(one, dict) else several if isinstance(several, list) else []:
            key = sender, str(volume["id"])
            held = frozenset(tag.lower() for tag in volume["tags"])
            since, before = self._tags.get(key, (self._world.now(), None))
            if held != before and volume is not one and self._has_changed(key[1]):
                self._tags.pop(key, None)
            else:
                self._tags[key] = since if held == before else self._world.now(), held

    def _has_changed(self, volume_id: str) -> bool:
        """Whether the volume was made or moved a moment ago: what a list tells then may not be believed."""
        volume, now = self._world.cloud.volumes.get(volume_id), self._world.now()
        since = [volume.created] if volume is not None else []
        since += [each.started for each in self._world.cloud.actions if each.volume_id == volume_id]
        return now - max(since, default=now) < CHANGED_SECONDS

    def asked(self, sender: Process, sent: int, method: str, path: str, body: Json) -> None:
        """A request arrives that was sent at that moment."""
        parts = path.removeprefix("/v2/").split("/")
        starts = method == "POST" and parts[2:] == ["actions"]
        if parts[0] != "volumes" or not (starts or method == "DELETE"):
            return
        wanted = f"{sender.name} asks to {body.get('type', 'delete')} {parts[1]}"
        droplet_id = int(str(body.get("droplet_id") or 0))
        told, held = self._tags.get((sender, parts[1]), (self._world.now(), frozenset[str]()))
        knows = told + TURN_SECONDS < self._world.now() and (sender, parts[1]) not in self._misled
        if knows and body.get("type") == "attach":
            self._check_tags(wanted, body.get("tags"), held)
        for own in self._under_way(sender, sent):
            self._tries[own.id] += bool(droplet_id) and own.droplet_id == droplet_id
            many = self._tries[own.id] > TRIES_AT_ONCE + TRIES_A_SECOND * (self._world.now() - own.started)
            if own.volume_id == parts[1] or many:
                self._world.broken(f"{wanted} while its own {own.kind} {own.id} is under way")
        if starts and (done := self._done(sender, sent, parts[1])) is not None:
            grown = self._world.cloud.volumes[parts[1]].size_gib >= int(str(body.get("size_gigabytes") or 0))
            if done.kind == body["type"] and (grown if done.kind == "resize" else done.droplet_id == droplet_id):
                self._world.broken(f"{wanted} though it was told that its {done.kind} {done.id} is done")
        self._begun[sender, parts[1]] = sent

    def _check_tags(self, wanted: str, tags: object, held: frozenset[str]) -> None:
        sent = {tag.lower() for tag in tags} if isinstance(tags, list) else set[str]()
        if sent and sent <= held:
            self._world.broken(f"{wanted} with tags that it knows to be there: {tags}")
        if not sent and CLUSTER not in held:
            self._world.broken(f"{wanted} without the tag of the cluster, which it knows to be missing")

    def _under_way(self, sender: Process, sent: int) -> Iterator[Action]:
        for action in self._world.cloud.actions:
            if action.status == "in-progress" and self._matters(action) and self._knows(sender, sent, action):
                yield action

    def _matters(self, action: Action) -> bool:
        """Whether it is not much older than actions become, nor of a droplet that is gone."""
        lives = not action.droplet_id or action.droplet_id in self._world.cloud.droplets
        return lives and self._world.now() - action.started < OVERDUE_SECONDS

    def _done(self, sender: Process, sent: int, volume_id: str) -> Action | None:
        """Return the latest action on the volume, if it was the process's own and the process knows that it is done."""
        actions = [each for each in self._world.cloud.actions if each.volume_id == volume_id]
        if not actions or volume_id not in self._world.cloud.volumes or actions[-1].status != "completed":
            return None
        if not self._matters(actions[-1]):
            return None
        if self._told.get((actions[-1].id, "completed"), 0) < self._begun.get((sender, volume_id), 0):
            return None
        return actions[-1] if self._knows(sender, sent, actions[-1]) else None

    def _knows(self, sender: Process, sent: int, action: Action) -> bool:
        return self._owners.get(action.id) is sender and self._told.get((action.id, action.status), sent) < sent

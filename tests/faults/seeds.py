"""What a seed means, whole: its plan, and in every other one what others answer, do and get wrong meanwhile.

Those have a chance of their own, so a plan stays as it was when they change.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from tests.faults import plan
from tests.faults.cloud.foreign import ANSWERS, CLOCKS, LIMITS_FROM, LISTS, PLACE_OF
from tests.faults.plan import FAULTS_END, Fault, Plan, Step

AIMS = ("POST /volumes", "DELETE /volumes", "DELETE /snapshots", "attach", "detach", "resize", "snapshots", "GET", "")
AIM_OF_STEP = {
    "claim": "POST /volumes",
    "restore": "POST /volumes",
    "clone": "DELETE /snapshots",
    "pod": "attach",
    "move": "detach",
    "stop": "detach",
    "grow": "resize",
    "snapshot": "snapshots",
    "delete": "DELETE /volumes",
}
LIES = {  # what would do most harm if it was believed, by the step at which it is told; and the request that it answers
    "claim": (("another object", "POST /volumes"), ("a size below nothing", "POST /volumes")),
    "pod": (("another action of that number", "/actions/"), ("another name", "GET /volumes/")),
    "move": (("another action of that number", "/actions/"), ("another object", "GET /volumes/")),
    "stop": (("another action of that number", "/actions/"), ("another object", "GET /volumes/")),
    "grow": (("a size of 2^70", "GET /volumes/"), ("a size of 2^70", "GET /volumes/")),
    "snapshot": (("another object", "snapshots"),),
    "delete": (("a page with 302", "DELETE /volumes"), ("a bare 204", "DELETE /volumes")),
}
DELAYS = (0.0, 0.3, 3.0)  # from an attach until others detach, seconds
FEW_REQUESTS = 25  # a minute
SKEWS = (-1e8, -86400.0, 86400.0, 1e8)  # of a host's clock that was never set, seconds


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    drawn, chance = plan.draw(seed), random.Random(f"{seed} others")  # noqa: S311  # replays
    if chance.random() < 0.5:
        return drawn
    steps = [step for step in drawn.steps if step.at < FAULTS_END]
    faults = [
        *(_answer(chance, steps) for _ in range(chance.choice((2, 4, 8)))),
        *_clocks(chance, steps),
        *_snapshots(chance, steps),
        *_others(chance, steps),
        *_lies(chance, steps),
        *_accounts(chance, steps),
        *_mounts(chance, steps),
        *_leftovers(chance, steps),  # drawn last: a plan that has none of it stays as it was
    ]
    few = chance.random() < 0.2
    faults += _unseen(chance, steps)
    faults += [*_snapshots_unseen(chance, steps), *_taken_off(chance, steps), *_tags_taken(chance, steps)]
    faults += [*_killed_umounts(chance, steps)]
    return replace(
        drawn,
        faults=tuple(sorted((*drawn.faults, *faults), key=lambda fault: fault.at)),
        requests_per_minute=FEW_REQUESTS if few else drawn.requests_per_minute,
    )


def _answer(chance: random.Random, steps: list[Step]) -> Fault:
    """Let something else answer in the cloud's place, once, while something is done; the cloud may have done it."""
    step = chance.choice(steps)
    aim = AIM_OF_STEP.get(step.kind, "GET") if chance.random() < 0.7 else chance.choice(AIMS)
    number = chance.randrange(LIMITS_FROM if chance.random() < 0.6 else len(ANSWERS))
    at, done = step.at + chance.choice((0.0, chance.uniform(0, 12))), chance.choice((0.0, 0.0, 1.0))
    return Fault("foreign answer", at, aim, number, done)


def _clocks(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let the hosts' clock be wrong from the start, or the Date header for a while."""
    if chance.random() < 0.2:
        return [Fault("clock jump", 0.0, amount=chance.choice(SKEWS))]
    if chance.random() < 0.3:
        return [Fault("wrong date", chance.choice(steps).at, who=chance.randrange(len(CLOCKS)), amount=300.0)]
    return []


def _snapshots(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Refuse snapshots as the cloud does that come too soon, or ask for one again whose volume is gone."""
    taken = [step for step in steps if step.kind in {"snapshot", "clone"}]
    soon = [Fault("too soon", each.at, amount=chance.choice((0.0, 540.0))) for each in taken if chance.random() < 0.5]
    return [*soon, Fault("asked again", 0.0)] if chance.random() < 0.5 else soon


def _others(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let others have volumes elsewhere, tags in other case, and snapshots with names that look like the driver's."""
    kinds = (
        *("foreign snapshot", "foreign volumes", "foreign tag", "capacity asked", "health asked", "health asked"),
        *("foreign growth", "foreign attach", "foreign attach"),
    )
    chosen = [kind for kind in kinds if chance.random() < 0.3]
    return [Fault(kind, 0.0 if kind == "foreign tag" else chance.choice(steps).at) for kind in chosen]


def _lies(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let something else answer where it would do most harm, and lists lack what is there."""
    told = [
        Fault("foreign answer", step.at, aim, PLACE_OF[name])
        for step in steps
        for name, aim in LIES.get(step.kind, ())
        if chance.random() < 0.2
    ]
    lists = [chance.choice(steps).at + chance.uniform(30, 90) for _ in range(chance.choice((0, 0, 3)))]
    return told + [Fault("foreign answer", at, "GET /volumes ", PLACE_OF[chance.choice(LISTS)]) for at in lists]


def _accounts(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let the file of the token hold that of another account for a while."""
    if chance.random() > 0.15:
        return []
    ends = [step for step in steps if step.kind in {"delete", "stop", "move"}] or steps
    return [Fault("other account", chance.choice(ends).at, amount=chance.uniform(15, 60))]


def _mounts(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let others mount a disk by hand on a host that a volume is about to leave."""
    left = ((at, host) for at, host in _leaving(steps) if chance.random() < 0.2)
    return [Fault("foreign mount", max(0.0, at - chance.uniform(1, 8)), who=host) for at, host in left]


def _leaving(steps: list[Step]) -> Iterator[tuple[float, int]]:
    """Yield when a volume begins to leave which host."""
    hosts = dict[int, int]()
    for step in steps:
        if step.kind in {"move", "stop", "delete"} and step.claim in hosts:
            yield step.at, hosts[step.claim]
        if step.kind in {"pod", "move"}:
            hosts[step.claim] = step.host


def _leftovers(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Refuse the deletion of a clone's temporary snapshot, and let the process that would try it again die."""
    refused = [each.at for each in steps if each.kind == "clone" and chance.random() < 0.4]
    return [
        *(Fault("refused", at, "DELETE /snapshots") for at in refused),
        *(Fault("controller killed", at + chance.uniform(10, 50), who=who) for at in refused for who in (0, 1)),
    ]


def _unseen(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Lose the answer to a creation while lists do not show yet what was made."""
    made = [each.at for each in steps if each.kind == "claim" and chance.random() < 0.1]
    return [
        *(Fault("lost after", at, "POST /volumes") for at in made),
        *(Fault("stale lists", at, amount=20.0) for at in made),
    ]


def _snapshots_unseen(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let lists of snapshots lag behind while some are taken, and lose the answer to that."""
    taken = [each.at for each in steps if each.kind in {"snapshot", "clone"} and chance.random() < 0.4]
    return [
        *(Fault("stale snapshots", max(0.0, at - 5), amount=chance.uniform(15, 60)) for at in taken),
        *(Fault("taken unseen", at) for at in taken if chance.random() < 0.7),
    ]


def _taken_off(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let others detach a volume as soon as it is attached, and the call that wanted that be given up."""
    attached = [each for each in steps if each.kind in {"pod", "move"} and chance.random() < 0.2]
    given_up = [each.at for each in attached if chance.random() < 0.6]
    return [
        *(Fault("foreign detach", each.at, f"-{each.claim}", 0, chance.choice(DELAYS)) for each in attached),
        *(Fault("call cancelled", at, "ControllerPublish", amount=chance.uniform(0.5, 6)) for at in given_up),
    ]


def _tags_taken(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let others take the cluster's tag off a volume a while before it is attached."""
    attached = [each for each in steps if each.kind in {"pod", "move"} and chance.random() < 0.3]
    return [
        Fault("foreign tag taken", max(0.0, each.at - chance.uniform(70, 200)), who=each.claim) for each in attached
    ]


def _killed_umounts(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Kill the programs that unmount a volume which leaves its host: at the target, and then where it is staged."""
    left = [(at, host) for at, host in _leaving(steps) if chance.random() < 0.1]
    return [Fault("program killed", at, f"umount on host {host}") for at, host in left for _ in range(2)]

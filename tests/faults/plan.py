"""What a seed means: a workload and the faults that happen to it. Drawn whole before the run, so it can be cut."""

import random
from dataclasses import dataclass, replace

FAULTS_END = 480.0  # virtual seconds: no fault begins later
STEPS_END = 600.0
SETTLE_SECONDS = 2400.0  # everything must be as it should be within this time after the last step and fault

REQUESTS = ("POST /volumes", "DELETE /volumes", "attach", "detach", "resize", "snapshots", "GET", "")
METHODS = ("CreateVolume", "DeleteVolume", "ControllerPublish", "ControllerUnpublish", "ControllerExpand", "Snapshot")
NODE_METHODS = ("NodeStage", "NodeUnstage", "NodePublish", "NodeUnpublish", "NodeExpand")
SIDECARS = ("provisioner", "attacher", "resizer", "snapshotter")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong at a time. ``what`` and ``amount`` mean what the kind makes of them."""

    kind: str
    at: float
    what: str = ""
    who: int = 0
    amount: float = 0.0

    def __str__(self) -> str:
        more = " ".join(str(each) for each in (self.what, self.who or "", round(self.amount, 2) or "") if each)
        return f"{self.kind} at {self.at:.1f} {more}".rstrip()


@dataclass(frozen=True)
class Step:
    """Something that the users of the cluster do to a claim."""

    kind: str
    at: float
    claim: int
    host: int = 0
    amount: int = 0

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:.1f} claim {self.claim} host {self.host} {self.amount or ''}".rstrip()


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    hosts: int
    requests_per_minute: int
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    cloud: str = ""  # "other": the second cloud of the contract tests

    @property
    def parts(self) -> int:
        """How many steps and faults there are."""
        return len(self.steps) + len(self.faults)

    def keep(self, numbers: frozenset[int]) -> "Plan":
        """Return the plan with those steps and faults alone; they are numbered, steps first."""
        steps = tuple(each for number, each in enumerate(self.steps) if number in numbers)
        faults = tuple(each for number, each in enumerate(self.faults, len(self.steps)) if number in numbers)
        return replace(self, steps=steps, faults=faults)


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(seed)  # noqa: S311  # replays
    hosts = chance.choice((2, 2, 3))
    steps: list[Step] = []
    for claim in range(chance.randint(1, 4)):
        steps += _life(chance, claim, hosts, steps)
    cut = _cut_off(chance, hosts, steps) if chance.random() < 0.25 else []
    last = min(FAULTS_END, max(step.at for step in steps) + 20)
    faults = [_fault(chance, hosts, last, steps) for _ in range(chance.choice((2, 4, 6, 8, 12)))]
    faults += [*cut, *_formats(chance, steps)]
    requests_per_minute = chance.choice((250, 100, 60, 40))
    faults += _grows(chance, steps)  # drawn last: a plan that has none of it stays as it was
    late = not cut and chance.random() < 0.2
    faults += _late_link(chance, hosts, steps) if late else []
    faults += _refusals(chance, steps)
    special = chance.random() if not (cut or late) else 1.0
    faults += _leaders(chance, hosts, steps) if special < 0.2 else []
    faults += _dead_host(chance, hosts, steps) if 0.2 <= special < 0.4 else []
    return Plan(
        seed=seed,
        hosts=hosts,
        requests_per_minute=requests_per_minute,
        steps=tuple(sorted(steps, key=lambda step: step.at)),
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


def _life(chance: random.Random, claim: int, hosts: int, others: list[Step]) -> list[Step]:
    """Draw the life of a claim: made blank or as a copy, used here and there, grown, copied, deleted."""
    at = chance.uniform(0, 40 if claim < 2 else 150)
    sources = [step for step in others if step.kind in {"snapshot", "claim"} and step.at < at - 30]
    source = chance.choice(sources) if sources and chance.random() < 0.5 else None
    kind = "claim" if source is None else "restore" if source.kind == "snapshot" else "clone"
    steps = [Step(kind, at, claim, amount=0 if source is None else source.claim)]
    host = chance.randint(1, hosts)
    steps.append(Step("pod", at + chance.uniform(0, 30), claim, host))
    at = steps[-1].at
    if chance.random() < 0.5:  # the pod goes elsewhere while its volume is formatted, and comes back
        other = chance.choice([each for each in range(1, hosts + 1) if each != host])
        steps.append(Step("move", at + chance.uniform(5, 15), claim, other))
        steps.append(Step("move", at + chance.uniform(60, 90), claim, host))
        at = steps[-1].at
    for _ in range(chance.randint(1, 5)):
        at += chance.choice((chance.uniform(2, 20), chance.uniform(20, 120)))
        action = chance.choice(("move", "move", "move", "beside", "again", "again", "grow", "snapshot"))
        if action == "move":
            host = chance.choice([each for each in range(1, hosts + 1) if each != host])
        steps.append(Step("move" if action == "beside" else action, at, claim, host, chance.randint(1, 3)))
    if chance.random() < 0.7:
        steps.append(Step("delete", at + chance.uniform(5, 150), claim))
    return [step for step in steps if step.at < STEPS_END]


def _cut_off(chance: random.Random, hosts: int, steps: list[Step]) -> list[Fault]:
    """Cut a host off from its network while a pod moves away from it; another comes before the host is back."""
    pod = chance.choice([step for step in steps if step.kind == "pod"])
    at = pod.at + chance.uniform(15, 40)
    elsewhere = chance.choice([each for each in range(1, hosts + 1) if each != pod.host])
    steps[:] = [step for step in steps if step.claim != pod.claim or step.at < at]
    steps.append(Step("move", at + chance.uniform(-3, 20), pod.claim, elsewhere))
    others = sorted({step.claim for step in steps} - {pod.claim})
    if others and chance.random() < 0.8:
        steps.append(Step("move", at + chance.uniform(405, 480), chance.choice(others), pod.host))
    return [Fault("network lost", at, "", pod.host, 500.0)] if at < FAULTS_END else []


def _formats(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let nodes die in the format of a volume whose pod goes elsewhere just then."""
    moves = [(pod, move) for pod in steps for move in steps if (pod.kind, move.kind) == ("pod", "move")]
    short = [pod for pod, move in moves if pod.claim == move.claim and 0 < move.at - pod.at < 16]
    return [
        Fault("node killed in program", pod.at, f"mkfs on host {pod.host}")
        for pod in short
        if pod.at < FAULTS_END and chance.random() < 0.3
    ]


def _grows(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let a controller forget that it grows a volume; another one asks for the same before that is done."""
    return [
        Fault("forgotten action", step.at, "resize", amount=chance.choice((6.0, 9.0)))
        for step in steps
        if step.kind == "grow" and step.at < FAULTS_END and chance.random() < 0.2
    ]


def _late_link(chance: random.Random, hosts: int, steps: list[Step]) -> list[Fault]:
    """Let a pod come to a host that another leaves just then; the link of the disk that comes is late.

    The disk that goes is still there, and free, while the other one is looked for.
    """
    pods = sorted((step for step in steps if step.kind == "pod"), key=lambda step: step.at)
    if len(pods) < 2:
        return []
    leaving, coming = pods[:2]
    at = max(coming.at, leaving.at + 30)
    leaves = at + chance.uniform(8, 20)
    elsewhere = chance.choice([each for each in range(1, hosts + 1) if each != leaving.host])
    others = [step for step in steps if step.claim not in {leaving.claim, coming.claim} or step.kind in _OTHERS_NEED]
    steps[:] = [
        *(*others, leaving, Step("pod", at, coming.claim, leaving.host)),
        Step("move", leaves, leaving.claim, elsewhere),
        Step("delete", leaves + chance.uniform(60, 150), leaving.claim),
    ]
    return [
        Fault("late device", at, f"host {leaving.host}", amount=60.0),
        Fault("slow action", leaves, "detach", amount=25.0),
    ]


def _refusals(chance: random.Random, steps: list[Step]) -> list[Fault]:
    """Let the cloud refuse a step of a copy once: that it grows, or that its temporary snapshot is deleted."""
    return [
        Fault("refused", step.at, chance.choice(("resize", "DELETE /snapshots")))
        for step in steps
        if step.kind in {"restore", "clone"} and step.at < FAULTS_END and chance.random() < 0.5
    ]


def _leaders(chance: random.Random, hosts: int, steps: list[Step]) -> list[Fault]:
    """Let the lead go to another attacher and back around an attach to a host that the first one has detached from."""
    pod = min((step for step in steps if step.kind == "pod"), key=lambda step: step.at)
    stop = pod.at + chance.uniform(30, 45)
    back = stop + chance.uniform(30, 45)
    again = back + chance.uniform(3, 8)
    steps[:] = [
        *(step for step in steps if step.claim != pod.claim or step.kind in _OTHERS_NEED),
        *(pod, Step("stop", stop, pod.claim), Step("pod", back, pod.claim, pod.host)),
        Step("move", again, pod.claim, pod.host % hosts + 1),
    ]
    return [
        Fault("leader change", back - chance.uniform(2, 8), "attacher"),
        Fault("slow action", back, "attach", amount=25.0),
        Fault("leader change", again + chance.uniform(2, 6), "attacher"),  # it knows of no attach, only of the detach
    ]


def _dead_host(chance: random.Random, hosts: int, steps: list[Step]) -> list[Fault]:
    """Let a host be deleted while a volume comes to it, and others are there."""
    pods = sorted((step for step in steps if step.kind == "pod"), key=lambda step: step.at)
    if len(pods) < 2:
        return []
    there, coming = pods[:2]
    at = max(coming.at, there.at + 30)
    steps[:] = [
        *(step for step in steps if step.claim not in {there.claim, coming.claim} or step.kind in _OTHERS_NEED),
        *(there, Step("pod", at, coming.claim, there.host)),
    ]
    moves = [Step("move", at + chance.uniform(20, 60), each.claim, there.host % hosts + 1) for each in (there, coming)]
    steps.extend(moves)
    return [
        Fault("slow action", at, "attach", amount=300.0),
        Fault("host gone", at + chance.uniform(3, 8), who=there.host),
    ]


def _fault(chance: random.Random, hosts: int, last: float, steps: list[Step]) -> Fault:
    """Draw a fault: at any time, or when something is done."""
    kind = chance.choices([each for each, _ in _WEIGHTS], [weight for _, weight in _WEIGHTS])[0]
    at, who = chance.uniform(1, last), chance.randint(1, hosts)
    if chance.random() < 0.5:
        step = chance.choice(steps)
        at, who = min(last, step.at + chance.uniform(0, 12)), step.host or who
    whats, amounts = _CHOICES.get(kind, (NONE, (0.0,)))
    amount = chance.uniform(*amounts) if kind in _BETWEEN else chance.choice(amounts)
    if kind == "controller killed":
        who %= 2
    return Fault(kind, at, chance.choice(whats), who, amount)


NONE = ("",)
_OTHERS_NEED = frozenset({"claim", "clone", "restore", "snapshot"})  # steps on a claim that another may be copied from
_REPLIES = (REQUESTS, (3.0, 12.0, 25.0, 45.0))
_STEPS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 40.0, 90.0)
_ACTIONS = ("attach", "detach", "resize")
_PROGRAMS = ("mkfs", "mkfs", "mount", "umount", "resize2fs", "blkid")
_CHOICES: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {  # what it hits, and by how much
    "lost before": _REPLIES,
    "lost after": _REPLIES,
    "error before": _REPLIES,
    "error after": _REPLIES,
    "slow reply": _REPLIES,
    "throttle storm": (NONE, (5, 60)),
    "error storm": (NONE, (5, 60)),
    "stale lists": (NONE, (5, 60)),
    "no connection": (NONE, (5, 60)),
    "slow action": (_ACTIONS, (12.0, 25.0, 70.0, 300.0)),
    "failed action": (_ACTIONS, (0.0,)),
    "forgotten action": (("attach", "attach", "attach", "detach"), (12.0, 25.0, 45.0)),
    "controller killed": (NONE, _STEPS),
    "node killed": (NONE, _STEPS),
    "killed in a call": ((*METHODS, *NODE_METHODS), tuple(map(float, (*range(1, 41), 50, 60, 80, 100)))),
    "kubelet killed": (NONE, (1.0, 10.0, 60.0)),
    "leader change": (SIDECARS, (0.0, 1.0, 14.0)),
    "call cancelled": ((*METHODS, *NODE_METHODS), (0.01, 0.1, 0.5, 2.0, 6.0)),
    "call repeated": (("ControllerUnpublish", "ControllerUnpublish", "DeleteVolume"), (1.0, 4.0, 12.0)),
    "host off": (NONE, (20.0, 90.0, 500.0)),
    "network lost": (NONE, (20.0, 90.0, 500.0)),
    "foreign event": (NONE, (3, 40)),
    "late device": (NONE, (1, 40)),
    "slow program": (_PROGRAMS, (5.0, 60.0, 130.0)),
    "program killed": (_PROGRAMS, (0.0,)),
    "node killed in program": (("mkfs", *_PROGRAMS), (0.0,)),
    "clock jump": (NONE, (-3600.0, -30.0, 30.0, 3600.0)),
}
_BETWEEN = frozenset({"throttle storm", "error storm", "stale lists", "no connection", "foreign event", "late device"})
_WEIGHTS = (
    ("lost before", 6),
    ("lost after", 10),
    ("error before", 3),
    ("error after", 6),
    ("slow reply", 4),
    ("throttle storm", 3),
    ("error storm", 3),
    ("no connection", 2),
    ("stale lists", 4),
    ("slow action", 6),
    ("failed action", 3),
    ("forgotten action", 8),
    ("controller killed", 10),
    ("node killed", 8),
    ("killed in a call", 14),
    ("kubelet killed", 5),
    ("leader change", 5),
    ("call cancelled", 8),
    ("call repeated", 8),
    ("host off", 3),
    ("host gone", 1),
    ("network lost", 4),
    ("foreign event", 8),
    ("late device", 3),
    ("stale link", 5),
    ("unreadable disk", 4),
    ("slow program", 4),
    ("program killed", 4),
    ("node killed in program", 12),
    ("clock jump", 5),
)

"""Where the time of a claim goes, from the driver's own log lines: one for each call, written at its end."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

CREATE = "csi.v1.Controller/CreateVolume"
ATTACH = "csi.v1.Controller/ControllerPublishVolume"
STAGE = "csi.v1.Node/NodeStageVolume"
PUBLISH = "csi.v1.Node/NodePublishVolume"
PHASES = {
    "to create": "from the claim until CreateVolume is called: the provisioner, and the scheduler if the class waits",
    "create": "the call: one request",
    "to node": "until the pod has a node: the provisioner writes the volume, the binder, the scheduler",
    "to attach": "until ControllerPublishVolume is called: the attach-detach controller, the attacher",
    "action": "of that call, the cloud's own action",
    "attach": "of that call, the rest: the line of the node, the start, and the looks",
    "to stage": "until NodeStageVolume is called: the attacher tells it, kubelet looks",
    "stage": "the call: finds the disk, mkfs, mount",
    "publish": "the call, and kubelet's way to it",
    "to ready": "until the pod was seen ready: kubelet makes its sandbox and starts its container",
    "all": "from the claim to the ready pod",
}


@dataclass(frozen=True)
class Claim:
    """One claim with its pod, and its volume; epoch seconds: ``made``, its pod got a node, its pod was seen ready."""

    made: float
    scheduled: float
    node: str
    ready: float
    volume_id: str
    action_seconds: float


@dataclass(frozen=True)
class Call:
    """A call that ended well, epoch seconds; it began with the first try."""

    begin: float
    end: float


def calls(lines: Iterable[str]) -> dict[tuple[str, str], Call]:
    """Return each call that ended well, the first of its kind, by method and volume id."""
    begun: dict[tuple[str, str], float] = {}
    found: dict[tuple[str, str], Call] = {}
    told = [one for one in map(_read, lines) if one.get("event") == "call" and one.get("volume_id")]
    for one in sorted(told, key=_end):
        key = str(one["method"]), str(one["volume_id"])
        begin = begun.setdefault(key, _end(one) - float(str(one["seconds"])))
        if one.get("code") == "OK":
            found.setdefault(key, Call(begin, _end(one)))
    return found


def split(claim: Claim, done: Mapping[tuple[str, str], Call]) -> dict[str, float]:
    """Return the seconds of each phase. Raises KeyError if the driver's log has not all calls."""
    create, attach, stage, publish = (done[method, claim.volume_id] for method in (CREATE, ATTACH, STAGE, PUBLISH))
    return {
        "to create": create.begin - claim.made,
        "create": create.end - create.begin,
        "to node": claim.scheduled - create.end,
        "to attach": attach.begin - claim.scheduled,
        "action": claim.action_seconds,
        "attach": attach.end - attach.begin - claim.action_seconds,
        "to stage": stage.begin - attach.end,
        "stage": stage.end - stage.begin,
        "publish": publish.end - stage.end,
        "to ready": claim.ready - publish.end,
        "all": claim.ready - claim.made,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]


def _read(line: str) -> Mapping[str, object]:
    if not line.startswith("{"):
        return {}
    call = json.loads(line)
    return call if isinstance(call, dict) else {}


def _end(told: Mapping[str, object]) -> float:
    return datetime.fromisoformat(str(told["timestamp"])).timestamp()

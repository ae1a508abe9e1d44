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
    "provision": "until the volume is made: scheduler and provisioner, too",
    "attach": "from there until it is attached: the attacher, too",
    "stage": "the call of the node alone",
    "publish": "the call of the node alone",
    "rest": "what else kubelet did until the pod was seen ready",
    "all": "from the claim to the ready pod",
}


@dataclass(frozen=True)
class Claim:
    """One claim with its pod: when it was made, when the pod was seen ready (epoch seconds), and its volume."""

    made: float
    ready: float
    volume_name: str
    volume_id: str


@dataclass(frozen=True)
class Call:
    """A call that ended well: when, epoch seconds, and how long it took."""

    end: float
    seconds: float


def calls(lines: Iterable[str]) -> dict[tuple[str, str], Call]:
    """Return each call that ended well, the first of its kind, by method and volume (its id; of a create, its name)."""
    found: dict[tuple[str, str], Call] = {}
    for line in lines:
        told = _read(line)
        if told.get("event") == "call" and told.get("code") == "OK":
            key = str(told["method"]), str(told.get("volume_id") or told.get("name"))
            end = datetime.fromisoformat(str(told["timestamp"])).timestamp()
            found.setdefault(key, Call(end, float(str(told["seconds"]))))
    return found


def split(claim: Claim, done: Mapping[tuple[str, str], Call]) -> dict[str, float]:
    """Return the seconds of each phase. Raises KeyError if the driver's log has not all calls."""
    made, attached = done[CREATE, claim.volume_name].end, done[ATTACH, claim.volume_id].end
    stage, publish = done[STAGE, claim.volume_id].seconds, done[PUBLISH, claim.volume_id].seconds
    return {
        "provision": made - claim.made,
        "attach": attached - made,
        "stage": stage,
        "publish": publish,
        "rest": claim.ready - attached - stage - publish,
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

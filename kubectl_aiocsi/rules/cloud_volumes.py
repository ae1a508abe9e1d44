"""The cloud's volumes, as the controller that leads has seen them: its page /volumes/UID."""

import json
from dataclasses import dataclass
from typing import cast

from common.drift_records import CloudVolume, cloud_volume
from kubectl_aiocsi.records import Json, Object, Snapshot

OLD_SECONDS = 1800.0  # the attacher lets all volumes be looked at every 5 minutes


@dataclass(frozen=True)
class CloudVolumes:
    """All volumes of the cloud's region, or why they are not known."""

    volumes: tuple[CloudVolume, ...] = ()
    age_seconds: float = 0.0
    problem: str = ""


def known(snapshot: Snapshot) -> CloudVolumes:
    """Return the newest list that a pod of the controller has."""
    told = [_parsed(page.volumes) for page in snapshot.pages.values() if page.volumes]
    lists = [each for each in told if isinstance(each.at("volumes"), list)]
    ages = sorted(lists, key=_age)
    if ages and _age(ages[0]) <= OLD_SECONDS:
        try:
            volumes = tuple(cloud_volume(each.json) for each in ages[0].each("volumes"))
        except ValueError:
            return CloudVolumes(problem="the list that the controller sent cannot be read")
        return CloudVolumes(volumes, _age(ages[0]))
    if ages:
        return CloudVolumes(problem=f"what the controller knows is {_age(ages[0]):.0f} s old")
    refused = next((page.problem for page in snapshot.pages.values() if page.problem), "")
    unasked = "no pod of the controller was found" if not snapshot.pages else ""
    return CloudVolumes(problem=refused or unasked or "no controller has read all volumes yet: wait for five minutes")


def _age(one: Object) -> float:
    found = one.at("age_seconds")
    return float(found) if isinstance(found, int | float) else 0.0


def _parsed(text: str) -> Object:
    try:
        found: object = json.loads(text)
    except ValueError:
        found = {}
    return Object(cast("Json", found) if isinstance(found, dict) else {})

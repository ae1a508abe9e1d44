"""What ``why`` tells of a PersistentVolume that is left over."""

from datetime import datetime

import pytest

from kubectl_aiocsi.records import DEFAULT_DRIVER, VOLUMES, Json, Object, Snapshot, moment
from kubectl_aiocsi.rules.volume import volume_link
from tests.unit.kubectl_aiocsi.api_server import NOW
from tests.unit.kubectl_aiocsi.world import ago

LEFT = "its claim is gone, and its reclaim policy is Retain"


@pytest.mark.parametrize(
    ("status", "said", "since"),
    [
        ({"phase": "Failed", "message": "it is in use"}, "it is in use", None),
        ({"phase": "Failed"}, "its deletion has failed", None),
        ({"phase": "Released", "lastPhaseTransitionTime": ago(9)}, LEFT, moment(ago(9))),
    ],
)
def test_why_a_volume_is_left_and_since_when_are_told(status: Json, said: str, since: datetime | None) -> None:
    spec = {"csi": {"driver": DEFAULT_DRIVER}, "persistentVolumeReclaimPolicy": "Retain"}
    volume = Object({"metadata": {"name": "pv"}, "spec": spec, "status": status})
    told = volume_link(Snapshot(NOW, lists={VOLUMES: [volume]}), "pv")
    assert (told.said, told.since) == (said, since)

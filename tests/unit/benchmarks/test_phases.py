import json

import pytest

from benchmarks.kind.phases import Call, Claim, calls, percentile, split

DAY = 1_800_000_000.0


def line(method: str, second: int, seconds: float, *, code: str = "OK", **about: str) -> str:
    told = {"event": "call", "code": code, "method": f"csi.v1.{method}", "seconds": seconds, **about}
    return json.dumps(told | {"timestamp": f"2027-01-15T08:00:{second:02d}Z"})


LOG = [
    "I0115 08:00:00 a sidecar's line",
    json.dumps({"event": "serving"}),
    line("Controller/CreateVolume", 2, 1.5, name="pvc-1", volume_id="id-1"),
    line("Controller/ControllerPublishVolume", 3, 1.0, code="ABORTED", volume_id="id-1"),
    line("Controller/ControllerPublishVolume", 5, 1.0, volume_id="id-1"),
    line("Controller/ControllerPublishVolume", 9, 0.0, volume_id="id-1"),
    line("Node/NodeStageVolume", 7, 0.5, volume_id="id-1"),
    line("Node/NodePublishVolume", 8, 0.25, volume_id="id-1"),
]


def test_the_time_from_claim_to_pod_is_split_without_a_gap() -> None:
    claim = Claim(DAY, DAY + 2.5, "worker", DAY + 10, "id-1", action_seconds=0.75)
    found = split(claim, calls(LOG))
    assert found == {
        "to create": 0.5,
        "create": 1.5,
        "to node": 0.5,
        "to attach": -0.5,
        "action": 0.75,
        "attach": 2.25,
        "to stage": 1.5,
        "stage": 0.5,
        "publish": 1.0,
        "to ready": 2.0,
        "all": 10.0,
    }
    assert sum(found.values()) == 2 * found["all"]


def test_a_call_begins_with_its_first_try() -> None:
    assert calls(LOG)["csi.v1.Controller/ControllerPublishVolume", "id-1"] == Call(DAY + 2, DAY + 5)


def test_a_claim_whose_calls_are_not_in_the_log_is_no_figure() -> None:
    with pytest.raises(KeyError):
        split(Claim(DAY, DAY + 2.5, "worker", DAY + 10, "id-2", action_seconds=0.75), calls(LOG))


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.95, 10), (0.9, 9)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == value

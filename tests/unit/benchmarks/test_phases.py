import json

import pytest

from benchmarks.kind.phases import Claim, calls, percentile, split

DAY = 1_800_000_000.0


def line(method: str, second: int, seconds: float, *, code: str = "OK", **about: str) -> str:
    told = {"event": "call", "code": code, "method": f"csi.v1.{method}", "seconds": seconds, **about}
    return json.dumps(told | {"timestamp": f"2027-01-15T08:00:{second:02d}Z"})


LOG = [
    "I0115 08:00:00 a sidecar's line",
    json.dumps({"event": "serving"}),
    line("Controller/CreateVolume", 2, 1.5, name="pvc-1"),
    line("Controller/ControllerPublishVolume", 3, 1.0, code="ABORTED", volume_id="id-1"),
    line("Controller/ControllerPublishVolume", 5, 1.0, volume_id="id-1"),
    line("Controller/ControllerPublishVolume", 9, 0.0, volume_id="id-1"),
    line("Node/NodeStageVolume", 7, 0.5, volume_id="id-1"),
    line("Node/NodePublishVolume", 8, 0.25, volume_id="id-1"),
]


def test_the_time_from_claim_to_pod_is_split_without_a_gap() -> None:
    claim = Claim(DAY, DAY + 10, "pvc-1", "id-1")
    assert split(claim, calls(LOG)) == {
        "provision": 2.0,
        "attach": 3.0,
        "stage": 0.5,
        "publish": 0.25,
        "rest": 4.25,
        "all": 10.0,
    }


def test_a_claim_whose_calls_are_not_in_the_log_is_no_figure() -> None:
    with pytest.raises(KeyError):
        split(Claim(DAY, DAY + 10, "pvc-2", "id-2"), calls(LOG))


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.95, 10), (0.9, 9)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == value

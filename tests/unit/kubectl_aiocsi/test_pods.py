"""What is told of a pod of the driver that does not serve."""

import pytest

from kubectl_aiocsi.records import Json, Object, Snapshot
from kubectl_aiocsi.rules.pods import problem_of
from tests.unit.kubectl_aiocsi.api_server import NOW

NO_ROOM = "0/3 nodes are available: 3 Insufficient memory."


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"conditions": [{"type": "PodScheduled", "status": "False", "message": NO_ROOM}]}, NO_ROOM),
        (
            {"conditions": [{"type": "PodScheduled", "status": "True", "message": NO_ROOM}]},
            "it is not there, not ready: ",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "node", "ready": False}]},
            "it is Running, not ready: node",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "node", "ready": True}]},
            "it is Running, not ready: no co",
        ),
    ],
)
def test_a_pod_that_no_node_takes_is_told_in_the_scheduler_s_words(status: Json, told: str) -> None:
    assert problem_of(Snapshot(NOW), Object({"status": status})).startswith(told)

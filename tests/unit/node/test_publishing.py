"""The log tells for which pod a volume was published, as kubelet says with podInfoOnMount."""

import pytest

from tests.unit.common.captured import captured
from tests.unit.node.world import World

INFO = {"csi.storage.k8s.io/pod.namespace": "shop", "csi.storage.k8s.io/pod.name": "orders-0"}


@pytest.mark.parametrize(
    ("context", "pod"),
    [pytest.param(INFO, "shop/orders-0", id="told"), pytest.param({}, None, id="kubelet does not say")],
)
def test_the_line_of_a_publish_names_the_pod(context: dict[str, str], pod: str | None) -> None:
    with World() as world, captured("info") as log:
        world.stage()
        world.publish(**context)
        (line,) = log.lines("published")
    assert line.get("pod") == pod
    assert line["volume_id"] == "ours"

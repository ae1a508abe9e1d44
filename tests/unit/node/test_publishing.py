"""The log tells which volume was published, and for which pod, as kubelet says with podInfoOnMount."""

from contextvars import copy_context
from functools import partial

import pytest

from common import call_log
from tests.fakes.host.seams import SimJournal
from tests.unit.common.captured import captured
from tests.unit.node.world import NAME, VOLUME, World, refusal, target

INFO = {"csi.storage.k8s.io/pod.namespace": "shop", "csi.storage.k8s.io/pod.name": "orders-0"}


@pytest.mark.parametrize(
    ("info", "pod"),
    [pytest.param(INFO, "shop/orders-0", id="told"), pytest.param({}, None, id="kubelet does not say")],
)
def test_the_line_of_a_publish_names_the_volume_and_the_pod(info: dict[str, str], pod: str | None) -> None:
    context = copy_context()
    context.run(call_log.begin, {"volume_id": VOLUME})
    with World() as world, captured("info") as log:
        context.run(world.stage)
        context.run(world.publish, **info)
        (line,) = log.lines("published")
    assert line.get("pod") == pod
    assert (line["volume_id"], line["volume_name"]) == (VOLUME, NAME)


def test_the_name_of_a_volume_is_known_while_it_is_staged() -> None:
    with World() as world:
        world.stage()
        staged = SimJournal(world.kept, same_boot=True).name_of(VOLUME)
        world.unstage()
        assert (staged, SimJournal(world.kept, same_boot=True).name_of(VOLUME)) == (NAME, "")


def test_each_call_tells_whether_it_has_changed_anything() -> None:
    with World() as world, captured("info") as log:
        for _ in range(2):
            world.stage()
        for _ in range(2):
            world.publish()
        world.expand()
        for _ in range(2):
            world.unpublish()
        for _ in range(2):
            world.unstage()
    assert [line["outcome"] for line in log.lines("call")] == [
        *("staged", "was_staged", "published", "was_published", "was_grown"),
        *("unpublished", "was_unpublished", "unstaged", "was_unstaged"),
    ]


def test_a_refused_publish_tells_for_which_pod_and_where_it_was() -> None:
    with World() as world, captured("info") as log:
        refusal(partial(world.publish, **INFO))
    (line,) = log.lines("call")
    assert (line["code"], line["pod"], line["target"]) == ("FAILED_PRECONDITION", "shop/orders-0", target("pod"))

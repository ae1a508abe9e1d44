"""``kubectl aiocsi`` on a real control plane: 36 breakages, each named by its check and by no other.

The API server, the scheduler and the controllers are real, and so are objects, phases, conditions, attachments and
most messages; what kubelets, sidecars and the driver write, the test writes.
"""

from collections.abc import Iterator

import pytest

from tests.chart.cluster.breakages import BREAKAGES, Breaking, World, bound
from tests.chart.cluster.conftest import started
from tests.chart.cluster.control_plane import ControlPlane
from tests.chart.cluster.test_install import all_scheduled, install
from tests.chart.cluster.world import (
    SHOP,
    STORAGE,
    Writer,
    pod_with,
    serve,
    status_of,
    store,
)

LOOKS = 100  # of a tenth of a second

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def plane_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that no other test uses: what is broken here is the whole cluster."""
    yield from started(tmp_path_factory.mktemp("plane"))


@pytest.fixture(scope="module")
def world(plane_of_its_own: ControlPlane) -> Iterator[World]:
    """A release that is well, and pod shop/web with claim orders, whose volume is attached to node one."""
    plane = plane_of_its_own
    made = World(plane.kubeconfig, Writer(plane.kubeconfig))
    install(plane, ("helm4", ("--server-side=false",)))
    all_scheduled(plane)
    serve(made.writer)
    plane.kubectl("create", "namespace", "shop")
    made.wait(lambda: bool(made.writer.get(f"{SHOP}/serviceaccounts").each("items")) or None)
    for name in ("orders", "more"):
        store(made.writer, name)
    made.wait(lambda: bound(made, "orders") and bound(made, "more"))
    made.writer.create(f"{SHOP}/pods", pod_with("orders", "one"))
    made.writer.merge(f"{SHOP}/pods/web/status", status_of(True, "web"))
    made.writer.merge(f"{STORAGE}/volumeattachments/{made.attachment().name}/status", {"status": {"attached": True}})
    yield made
    made.writer.close()


def test_a_release_that_is_well_has_no_finding(world: World) -> None:
    assert world.findings() == {}
    assert world.broken() == []


@pytest.mark.parametrize(("check", "make", "pod", "link"), BREAKAGES, ids=[f"{each[0]}" for each in BREAKAGES])
def test_a_breakage_is_named_by_its_check_and_by_no_other(
    world: World, check: str, make: Breaking, pod: str, link: str
) -> None:
    with make(world):
        found = world.findings()
        assert set(found) == {check}, found
        if pod:
            assert [each for each, _ in world.broken(pod)] == [link]
    left = (world.findings() for _ in range(LOOKS))  # a controller takes the finalizers of what was deleted
    assert {} in left

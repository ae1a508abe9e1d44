from pathlib import Path

import pytest

from tests.e2e.cluster import nodes
from tests.e2e.cluster.way import VARIABLE, Way, choose, found
from tests.e2e.cluster.workspace import NODES
from tools import go_programs

DEVICES = {node: Path("/devices") / node for node in NODES}


@pytest.mark.parametrize(
    ("engine", "pulls", "way"),
    [
        pytest.param(True, True, Way.PUBLISHED, id="an engine that pulls"),
        pytest.param(True, False, Way.BUILT, id="an engine without a registry"),
        pytest.param(False, False, Way.BUILT, id="no engine"),
    ],
)
def test_images_are_pulled_where_they_can_be_and_built_elsewhere(engine: bool, pulls: bool, way: Way) -> None:
    assert choose("", engine=engine, pulls=pulls) is way


def test_whoever_wants_images_built_gets_them_built_though_they_could_be_pulled() -> None:
    assert choose("built", engine=True, pulls=True) is Way.BUILT


@pytest.mark.parametrize("wanted", ["published", "stock"])
def test_what_cannot_be_had_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        choose(wanted, engine=True, pulls=False)


def test_nobody_is_asked_for_an_engine_where_images_are_to_be_built() -> None:
    assert found({VARIABLE: "built"}) is Way.BUILT


def test_a_version_that_is_asked_for_is_built_and_cannot_be_published() -> None:
    assert found({go_programs.VARIABLE: "1.34"}) is Way.BUILT
    with pytest.raises(ValueError, match="leave KUBERNETES out"):
        found({go_programs.VARIABLE: "1.34", VARIABLE: "published"})


def test_published_images_leave_node_image_network_and_pulls_to_kind() -> None:
    told = nodes.described(Way.PUBLISHED, DEVICES)
    assert "image" not in str(told)
    assert "Never" not in str(told)
    assert "'disableDefaultCNI': False" in str(told)


@pytest.mark.parametrize("way", Way)
def test_each_node_sees_the_devices_of_its_own_droplet(way: Way) -> None:
    told = nodes.described(way, DEVICES)["nodes"]
    assert isinstance(told, list)
    paths = [one["extraMounts"] for one in told]
    assert paths == [[{"hostPath": f"/devices/{node}", "containerPath": "/dev/disk/by-id"}] for node in NODES]

import pytest

from controller.records import AccessType
from controller.rules.capabilities import Capability, problem

MOUNT = AccessType.MOUNT


@pytest.mark.parametrize("mode", ["SINGLE_NODE_WRITER", "SINGLE_NODE_MULTI_WRITER", "SINGLE_NODE_SINGLE_WRITER"])
def test_one_node_at_a_time_is_offered(mode: str) -> None:
    assert not problem(Capability(mode, MOUNT, "xfs", ("noatime",)))
    assert not problem(Capability(mode, AccessType.BLOCK))


@pytest.mark.parametrize(
    "capability",
    [
        pytest.param(Capability("MULTI_NODE_MULTI_WRITER", MOUNT), id="many nodes"),
        pytest.param(Capability("UNKNOWN", MOUNT), id="unknown mode"),
        pytest.param(Capability("", MOUNT), id="no mode"),
        pytest.param(Capability("number 99", MOUNT), id="mode of the future"),
        pytest.param(Capability("SINGLE_NODE_WRITER", None), id="no access type"),
        pytest.param(Capability("SINGLE_NODE_WRITER", MOUNT, "ntfs"), id="unknown file system"),
        pytest.param(Capability("SINGLE_NODE_WRITER", MOUNT, "ext4", ("ro,remount",)), id="two flags in one"),
        pytest.param(Capability("SINGLE_NODE_WRITER", MOUNT, "ext4", ("remount",)), id="remount"),
        pytest.param(Capability("SINGLE_NODE_WRITER", MOUNT, "ext4", ("a\nb",)), id="newline"),
    ],
)
def test_what_the_cloud_cannot_do_is_told(capability: Capability) -> None:
    assert problem(capability)

"""An ext that another host may have mounted, by its multiple mount protection, on a simulated host."""

from dataclasses import replace

import pytest
from grpclib.const import Status

from node.records.probes import MultipleMount
from tests.faults.sim.rpc import Failed
from tests.unit.node.world import STAGING, World
from tools.csi.kubelet import Modes

CLEAN, CHECKED = 0xFF4D4D50, 0xE24D4D50
LEFT = MultipleMount(7, 5, "node-b", "sda")  # mounted by a host that is gone
MODES = (Modes.SINGLE_NODE_WRITER, Modes.SINGLE_NODE_READER_ONLY)


def protected(world: World, *looks: MultipleMount | None) -> None:
    """Let each look at the block find this, the last one again and again."""
    found = world.plugged.disk.filesystem
    assert found is not None
    found.mmp = list(looks)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("looks", "words"),
    [
        pytest.param((LEFT, *[LEFT] * 9, replace(LEFT, sequence=8)), "is in use on host 'node-b'", id="it is at work"),
        pytest.param((LEFT, replace(LEFT, host="node-c")), "is in use on host 'node-c'", id="another one has taken it"),
        pytest.param((LEFT, None), "is in use on host 'node-b'", id="the block is written over meanwhile"),
        pytest.param((replace(LEFT, sequence=CHECKED),), "is being checked (e2fsck)", id="it is being checked"),
        pytest.param(
            (replace(LEFT, check_seconds=300),), "as 360 s without a write would prove", id="it takes too long"
        ),
        pytest.param((None,), "cannot be told", id="the block is damaged"),
    ],
)
def test_what_another_host_may_use_is_neither_checked_nor_mounted(
    mode: Modes, looks: tuple[MultipleMount | None, ...], words: str
) -> None:
    with World(filesystem=True) as world:
        world.mode = mode
        protected(world, *looks)
        with pytest.raises(Failed, match="AIOCSI-N021") as caught:
            world.stage()
        assert (caught.value.status, words in caught.value.message) == (Status.FAILED_PRECONDITION, True)
        assert "clear_mmp" in caught.value.message
        assert (world.ran_programs, world.mounted, world.kept) == (["blkid"], [], {})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("sequence", "seconds"), [pytest.param(CLEAN, 0, id="unmounted"), pytest.param(7, 11, id="nobody writes")]
)
def test_what_nobody_uses_any_more_is_mounted(mode: Modes, sequence: int, seconds: int) -> None:
    with World(filesystem=True) as world:
        world.mode = mode
        protected(world, replace(LEFT, sequence=sequence))
        before = world.now()
        world.stage()
        assert world.mounted == [STAGING]
        assert seconds <= world.now() - before < seconds + 3

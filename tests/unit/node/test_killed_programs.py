"""Each program of each call, killed before, in and after its effect, or out of memory: never a final answer.

kubelet takes a final answer for "nothing is mounted". The next call ends well, and nothing is left of any.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fakes.host.disks import GIB
from tests.fakes.host.programs import Fate
from tests.faults.sim.rpc import Failed
from tests.unit.node.world import World

NO_MEMORY = {  # how each program tells that it had none; e2fsck(8), mount(8), mke2fs(8), …
    "e2fsck": (8, "Memory allocation failed"),
    "mount": (32, "mount(2) system call failed: Cannot allocate memory."),
    "umount": (32, "Cannot allocate memory"),
    "blkid": (4, "Cannot allocate memory"),
}
OTHERWISE = (1, "Cannot allocate memory")


@dataclass(frozen=True)
class Case:
    """A call, and what comes before it."""

    call: str
    fs_type: str
    before: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "-".join((self.call, self.fs_type or "raw", *self.before))


KNOWN = ("stage", "unstage")
CASES = [
    Case("stage", "ext4", (), ("blkid", "mkfs", "mount")),
    Case("stage", "xfs", (), ("blkid", "mkfs", "mount")),
    Case("stage", "ext4", KNOWN, ("blkid", "e2fsck", "mount")),
    Case("stage", "ext4", (*KNOWN, "enlarge"), ("blkid", "e2fsck", "mount", "resize2fs")),
    Case("stage", "xfs", (*KNOWN, "enlarge"), ("blkid", "mount", "xfs_growfs")),
    Case("publish", "ext4", ("stage",), ("mount",)),
    Case("publish", "", ("stage",), ("mount",)),
    Case("unpublish", "ext4", ("stage", "publish"), ("umount",)),
    Case("unpublish", "", ("stage", "publish"), ("umount",)),
    Case("unstage", "ext4", ("stage",), ("umount",)),
    Case("expand", "xfs", ("stage", "publish", "enlarge"), ("xfs_growfs",)),
    Case("expand", "ext4", ("stage", "publish", "enlarge"), ("resize2fs",)),
]
WAYS: dict[str, Callable[[str], Fate]] = {
    "killed before": lambda _: Fate(killed="before"),
    "killed in": lambda _: Fate(killed="in"),
    "killed after": lambda _: Fate(killed="after"),
    "no memory": lambda program: Fate(ends=NO_MEMORY.get(program, OTHERWISE)),
}
MATRIX = [
    pytest.param(case, number, way, id=f"{case}-{program}-{way}")
    for case in CASES
    for number, program in enumerate(case.programs)
    for way in WAYS
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_matrix_has_every_program_of_the_call(case: Case) -> None:
    with World(case.fs_type) as world:
        _take(world, *case.before)
        world.ran_programs.clear()
        _take(world, case.call)
        assert tuple(world.ran_programs) == case.programs


@pytest.mark.parametrize(("case", "number", "way"), MATRIX)
def test_a_call_whose_program_is_killed_is_not_final_and_ends_well_when_it_is_repeated(
    case: Case, number: int, way: str
) -> None:
    with World(case.fs_type) as world:
        _take(world, *case.before)
        had = list(world.mounted)
        world.ran_programs.clear()
        world.fate = lambda program, at: WAYS[way](program) if at == number else Fate()
        failed = _attempt(world, case.call)
        assert failed is None or (failed.final, "has errors" in failed.message) == (False, False)
        assert len(world.mounted) <= len(had) + 1
        world.fate = lambda _program, _number: Fate()
        _take(world, case.call)
        if case.call not in {"unpublish", "unstage"}:
            _take(world, "stage", "publish")
        if "enlarge" in case.before and case.fs_type:
            assert world.expand() == world.filesystem_bytes == 2 * GIB
        _take(world, "unpublish", "unstage")
        assert (world.mounted, world.kept, world.kernel.open) == ([], {}, {})


def _attempt(world: World, call: str) -> Failed | None:
    try:
        _take(world, call)
    except Failed as failed:
        return failed
    return None


def _take(world: World, *steps: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "stage": world.stage,
        "publish": world.publish,
        "unpublish": world.unpublish,
        "unstage": world.unstage,
        "expand": world.expand,
        "enlarge": world.enlarge,
    }
    for step in steps:
        calls[step]()

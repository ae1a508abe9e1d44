"""How long a block of multiple mount protection has to stay the same."""

import pytest

from common import errors
from node.records.probes import MultipleMount, Superblock
from node.rules import multiple_mount

CALL_SECONDS = 120.0
CLEAN, CHECKED = 0xFF4D4D50, 0xE24D4D50  # fs/ext4/ext4.h


def block(seconds: int) -> Superblock:
    return Superblock("ext4", 1 << 30, "", mmp_at=4096, mmp_seconds=seconds)


@pytest.mark.parametrize(
    ("of_superblock", "of_block", "seconds"),
    [
        pytest.param(1, 2, 11, id="never less than 5 s twice"),
        pytest.param(5, 10, 21, id="the defaults of mke2fs"),
        pytest.param(30, 10, 61, id="the superblock says more"),
        pytest.param(5, 60, 120, id="long ones are not doubled"),
    ],
)
def test_a_number_has_to_stay_as_long_as_the_kernel_wants(of_superblock: int, of_block: int, seconds: int) -> None:
    found = MultipleMount(7, of_block, "node-b", "sda")
    assert multiple_mount.seconds_to_watch("id", block(of_superblock), found, CALL_SECONDS) == seconds
    with pytest.raises(errors.FailedPrecondition, match=f"as {seconds} s without a write would prove"):
        multiple_mount.seconds_to_watch("id", block(of_superblock), found, seconds - 1.0)


def test_only_what_was_unmounted_need_not_be_watched() -> None:
    assert multiple_mount.seconds_to_watch("id", block(5), MultipleMount(CLEAN, 10, "node-b", "sda"), 0.0) == 0
    for found, why in ((MultipleMount(CHECKED, 10, "node-b", "sda"), "is being checked"), (None, "is damaged")):
        with pytest.raises(errors.FailedPrecondition, match=why):
            multiple_mount.seconds_to_watch("id", block(5), found, CALL_SECONDS)

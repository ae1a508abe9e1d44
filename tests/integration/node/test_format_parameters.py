"""Whatever parameters a class may have, each mkfs takes them: none is refused after the volume is made."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from common import errors, format_parameters
from node.formats import filesystem_argv
from node.records.requests import Filesystem
from tools.processes.run import run

GIB = 1 << 30
DRY_RUN = {"ext2": "-n", "ext3": "-n", "ext4": "-n", "xfs": "-N", "btrfs": ""}
SIZES = ("", "128", "256", "512", "1024", "2048", "4096", "8192")


def taken(fs_type: str) -> Iterator[Filesystem]:
    """All combinations that the rule takes."""
    for block, inode, ratio in product(SIZES, SIZES, ("", "1024", "4096", "67108864")):
        given = {"blockSize": block, "inodeSize": inode, **({"bytesPerInode": ratio} if ratio else {})}
        with suppress(errors.InvalidArgument):
            yield Filesystem(fs_type, options=format_parameters.parse(fs_type, {**given, "label": "x" * 12}))


@pytest.mark.parametrize("fs_type", DRY_RUN)
def test_mkfs_takes_every_combination_that_a_class_may_have(fs_type: str, tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.touch()
    with file.open("r+b") as disk:
        disk.truncate(GIB)
    combinations = list(taken(fs_type))
    assert combinations
    for wanted in combinations:
        program, *options = filesystem_argv.mkfs(wanted, str(file), lazy=True)
        run(program, *filter(None, (DRY_RUN[fs_type],)), *options)

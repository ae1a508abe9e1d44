"""What follows from what the kernel says of a mount."""

import pytest

from node.records.kernel import Mount

RW, RO = frozenset({"rw"}), frozenset({"ro"})


@pytest.mark.parametrize(
    ("options", "super_options", "read_only"),
    [
        pytest.param(RW, RW, False, id="written to"),
        pytest.param(RO, RW, True, id="mounted to be read"),
        pytest.param(RW, RO, True, id="read-only after an error"),
    ],
)
def test_a_mount_is_read_only_by_itself_or_by_its_file_system(
    options: frozenset[str], super_options: frozenset[str], *, read_only: bool
) -> None:
    mount = Mount(1, 0, "8:0", "/", "/m", options, shared=True, kind="ext4", source="x", super_options=super_options)
    assert mount.read_only is read_only

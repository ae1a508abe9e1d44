"""Mountinfo as the kernel writes it, escapes included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.formats import mountinfo
from node.formats.mountinfo import MountTable
from node.records.kernel import Mount

LINE = r"36 35 98:0 /mnt1 /mnt2\040x\134y rw,noatime shared:1 master:2 - ext3 /dev/root\011z rw,errors=continue"


def line(point: str, number: int = 1, tags: str = "") -> str:
    return f"{number} 0 8:1 / {mountinfo.escape(point)} rw {tags}- ext4 /dev/sda rw"


def table(*lines: str) -> MountTable:
    return MountTable("".join(f"{each}\n" for each in lines).encode("utf-8", "surrogateescape"))


def test_a_line_is_read_in_full() -> None:
    assert tuple(table(LINE)) == (
        Mount(
            id=36,
            parent=35,
            number="98:0",
            root="/mnt1",
            point="/mnt2 x\\y",
            options=frozenset({"rw", "noatime"}),
            shared=True,
            kind="ext3",
            source="/dev/root\tz",
            super_options=frozenset({"rw", "errors=continue"}),
        ),
    )


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(lambda text: f"/{text}")
)
def test_every_path_is_read_back(point: str) -> None:
    mounts = table(line("/before"), line(point), line(f"{point}/below"), line("/after"))
    assert [mount.point for mount in mounts.at(point)] == [point]


@pytest.mark.parametrize("text", ["nonsense", "1 2 3", "1 0 8:1 / /a rw - ext4"])
def test_a_line_of_an_unknown_form_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a line of mountinfo"):
        tuple(table(text))


def test_the_mount_that_was_made_last_is_the_one_that_is_seen() -> None:
    mounts = table(line("/a", 1), line("/b", 2), line("/a", 3))
    assert [mount.id for mount in mounts.at("/a")] == [1, 3]


@pytest.mark.parametrize(("path", "point"), [("/a/b/c", "/a/b"), ("/a/bc", "/a"), ("/x", "/"), ("/a/b", "/a/b")])
def test_a_path_lies_in_the_nearest_mount_above_it(path: str, point: str) -> None:
    covering = table(line("/"), line("/a"), line("/a/b")).covering(path)
    assert covering is not None
    assert covering.point == point


def test_the_mounts_of_a_device_are_those_of_its_number_and_of_a_btrfs_on_it() -> None:
    btrfs = "7 0 0:99 / /copy rw - btrfs /dev/sda rw"
    lines = (line("/a", 1), "2 0 8:16 / /b rw - ext4 /dev/sdb rw", btrfs, "9 0 0:98 / /odd/8:1 rw - btrfs /dev/x rw")
    text = "".join(f"{each}\n" for each in lines).encode()
    mounts = MountTable(text, lambda source: "8:1" if source == "/dev/sda" else "")
    assert sorted((mount.id, mount.number) for mount in mounts.of("8:1")) == [(1, "8:1"), (7, "8:1")]
    assert [mount.number for mount in mounts.at("/copy")] == ["8:1"]


def test_a_look_at_one_path_reads_no_other_line() -> None:
    mounts = table(line("/a"), "a line of a form that is not known", line("/b", 2))
    assert [mount.id for mount in mounts.at("/b")] == [2]


def test_no_mount_is_read_of_an_empty_table() -> None:
    assert tuple(table()) == ()
    assert table().covering("/a") is None


def test_a_table_without_a_last_newline_is_read_to_its_end() -> None:
    text = f"{line('/a')}\n{line('/b', 2)}".encode()
    assert tuple(MountTable(text)) == tuple(table(line("/a"), line("/b", 2)))

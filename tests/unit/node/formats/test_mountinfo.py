"""Mountinfo as the kernel writes it, escapes included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.formats import mountinfo
from node.records.kernel import Mount

LINE = r"36 35 98:0 /mnt1 /mnt2\040x\134y rw,noatime shared:1 master:2 - ext3 /dev/root\011z rw,errors=continue"


def escaped(text: str) -> str:
    return "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\" else letter for letter in text)


def line(point: str, number: int = 1, tags: str = "") -> str:
    return f"{number} 0 8:1 / {escaped(point)} rw {tags}- ext4 /dev/sda rw"


def test_a_line_is_read_in_full() -> None:
    assert mountinfo.parse(f"{LINE}\n") == (
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
    assert [mount.point for mount in mountinfo.parse(line(point))] == [point]


@pytest.mark.parametrize("text", ["nonsense", "1 2 3", "1 0 8:1 / /a rw - ext4"])
def test_a_line_of_an_unknown_form_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a line of mountinfo"):
        mountinfo.parse(text)


def test_the_mount_that_was_made_last_is_the_one_that_is_seen() -> None:
    mounts = mountinfo.parse("\n".join([line("/a", 1), line("/b", 2), line("/a", 3)]))
    assert [mount.id for mount in mountinfo.at(mounts, "/a")] == [1, 3]


@pytest.mark.parametrize(("path", "point"), [("/a/b/c", "/a/b"), ("/a/bc", "/a"), ("/x", "/"), ("/a/b", "/a/b")])
def test_a_path_lies_in_the_nearest_mount_above_it(path: str, point: str) -> None:
    mounts = mountinfo.parse("\n".join([line("/"), line("/a"), line("/a/b")]))
    covering = mountinfo.covering(mounts, path)
    assert covering is not None
    assert covering.point == point

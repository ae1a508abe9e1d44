"""Which parts of a device are read before it is called blank."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.formats import scan_ranges

GIB, MIB, KIB = 1 << 30, 1 << 20, 1 << 10
sizes = st.integers(1, 16 << 40).map(lambda size: size * 512 // 512)


def unread(size: int, places: Sequence[int]) -> list[int]:
    """Return those of ``places`` that are not read."""
    read = scan_ranges.ranges(size)
    starts = [start for start, _ in read]
    return [place for place in places if sum(read[bisect_right(starts, place) - 1]) <= place]


def missed(size_bytes: int, extent_bytes: int) -> float:
    """Return how likely it is that data of ``extent_bytes`` in one piece, anywhere on a device, is not seen at all."""
    free, at = 0, 0
    for start, length in (*scan_ranges.ranges(size_bytes), (size_bytes, 0)):
        free += max(0, start - at - extent_bytes + 1)
        at = start + length
    return free / (size_bytes - extent_bytes + 1)


@pytest.mark.parametrize("group_bytes", [8 * MIB, 32 * MIB, 128 * MIB])
def test_the_backups_of_an_ext_superblock_are_read(group_bytes: int) -> None:
    groups = {1, *(base**power for base in (3, 5, 7) for power in range(1, 5) if base**power < 128)}
    assert unread(16 << 40, [group * group_bytes for group in sorted(groups)]) == []


@given(sizes)
def test_ranges_lie_within_the_device_in_order_and_apart(size: int) -> None:
    ranges = scan_ranges.ranges(size)
    assert all(length > 0 and start + length <= size for start, length in ranges)
    assert all(start + length < after for (start, length), (after, _) in pairwise(ranges))


@given(sizes)
def test_both_ends_are_read(size: int) -> None:
    assert unread(size, (0, size - 1, min(MIB, size) - 1, max(0, size - MIB))) == []


@given(st.integers(GIB, 16 << 40))
def test_the_places_of_known_marks_are_read(size: int) -> None:
    places = [16 * KIB, 4 * MIB, 64 * KIB, 64 * MIB, 32768 * 4 * KIB, 8193 * KIB, 256 * KIB, 512 * KIB, MIB]
    places += [
        size - 512,
        size - 64 * KIB,
        size - 128 * KIB + 1,
        size - 256 * KIB,
        size - 512 * KIB,
        size // 2 // 4096 * 4096,
    ]
    places += [256 * GIB] if size > 256 * GIB + 4 * KIB else []
    assert unread(size, places) == []


@given(st.integers(GIB, 16 << 40))
def test_no_gap_is_longer_than_a_thousandth_of_the_device(size: int) -> None:
    ranges = scan_ranges.ranges(size)
    gaps = [after - start - length for (start, length), (after, _) in pairwise(ranges)]
    assert max(gaps) < size / 1000


def test_what_is_read_is_what_the_guide_says() -> None:
    """1 MiB at each end, 8 KiB where marks are, 4 KiB of each of 1021 even parts."""
    read = scan_ranges.ranges(16 << 40)
    assert {length for _, length in read} == {MIB + 8 * KIB, MIB, 8 * KIB, 4 * KIB}
    assert sum(length == 4 * KIB for _, length in read) == 1020


def test_what_is_read_stays_within_a_few_mib() -> None:
    assert sum(length for _, length in scan_ranges.ranges(16 << 40)) < 8 * MIB


@pytest.mark.parametrize(
    ("size", "extent", "probability"),
    [
        (GIB, 4 * KIB, 0.990),
        (GIB, MIB, 0),
        (100 * GIB, MIB, 0.990),
        (100 * GIB, 16 * MIB, 0.836),
        (100 * GIB, 103 * MIB, 0),
        (1 << 40, 128 * MIB, 0.873),
        (1 << 40, GIB, 0.003),
        (1 << 40, GIB + 30 * MIB, 0),
        (16 << 40, GIB, 0.937),
        (16 << 40, 16 * GIB + 256 * MIB, 0),
    ],
)
def test_the_probability_that_one_piece_of_data_is_missed_is_as_documented(
    size: int, extent: int, probability: float
) -> None:
    assert missed(size, extent) == pytest.approx(probability, abs=0.0006)


@pytest.mark.parametrize("size", [10 * GIB, 100 * GIB, 1 << 40, 16 << 40])
@pytest.mark.parametrize(
    ("share", "probability"),
    [pytest.param(0.001, 0.36, id="a thousandth"), pytest.param(0.01, 0.00004, id="a hundredth")],
)
def test_a_used_share_is_missed_as_rarely_as_documented(size: int, share: float, probability: float) -> None:
    """Used in pieces of 1 MiB, at random; it hardly depends on the size."""
    assert missed(size, MIB) ** round(share * size / MIB) <= probability


def test_a_piece_at_a_random_place_is_missed_as_often_as_the_probability_says() -> None:
    size, extent, rounds, chance = 10 * GIB, 2 * MIB, 4000, random.Random(8)  # noqa: S311  # no secret
    places = (chance.randrange(size - extent) for _ in range(rounds))
    read = scan_ranges.ranges(size)
    starts = [start for start, _ in read]
    misses = sum(sum(read[bisect_left(starts, place + extent) - 1]) <= place for place in places)
    assert misses / rounds == pytest.approx(missed(size, extent), abs=0.03)

"""Which parts of a device are read before it is called blank."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.formats import scan_ranges

GIB, MIB, KIB = 1 << 30, 1 << 20, 1 << 10
sizes = st.integers(1, 16 << 40).map(lambda size: size * 512 // 512)


def is_read(size: int, offset: int) -> bool:
    return any(start <= offset < start + length for start, length in scan_ranges.ranges(size))


@given(sizes)
def test_ranges_lie_within_the_device_in_order_and_apart(size: int) -> None:
    ranges = scan_ranges.ranges(size)
    assert all(length > 0 and start + length <= size for start, length in ranges)
    assert all(start + length < after for (start, length), (after, _) in pairwise(ranges))


@given(sizes)
def test_both_ends_are_read(size: int) -> None:
    assert all(is_read(size, offset) for offset in (0, size - 1, min(MIB, size) - 1, max(0, size - MIB)))


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
    assert [place for place in places if not is_read(size, place)] == []


@given(st.integers(GIB, 16 << 40))
def test_no_gap_is_longer_than_a_sixtieth_of_the_device(size: int) -> None:
    ranges = scan_ranges.ranges(size)
    gaps = [after - start - length for (start, length), (after, _) in pairwise(ranges)]
    assert max(gaps) < size / 60


def test_what_is_read_stays_within_a_few_mib() -> None:
    assert sum(length for _, length in scan_ranges.ranges(16 << 40)) < 4 * MIB

"""Bytes and whole GiB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import sizes


@pytest.mark.parametrize(
    ("size_bytes", "up", "down"),
    [(0, 0, 0), (1, 1, 0), (1 << 30, 1, 1), ((1 << 30) + 1, 2, 1), (1 << 44, 16384, 16384)],
)
def test_rounding(size_bytes: int, up: int, down: int) -> None:
    assert (sizes.round_up_gib(size_bytes), sizes.round_down_gib(size_bytes)) == (up, down)


@given(size_bytes=st.integers(0, 2**63 - 1))
def test_rounded_sizes_enclose_the_size(size_bytes: int) -> None:
    low, high = sizes.round_down_gib(size_bytes), sizes.round_up_gib(size_bytes)
    assert sizes.to_bytes(low) <= size_bytes <= sizes.to_bytes(high)
    assert high - low <= 1

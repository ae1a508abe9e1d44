import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors, sizes
from controller.cloud.records import Volume
from controller.digitalocean.limits import TRAITS
from controller.records import Size
from controller.rules import capacity

SIZES = TRAITS.sizes
BYTES = st.integers(0, 20_000 * sizes.GIB)


@pytest.mark.parametrize(
    ("size", "gib"),
    [
        pytest.param(Size(), 16, id="nothing asked"),
        pytest.param(Size(1), 1, id="one byte"),
        pytest.param(Size(sizes.GIB + 1), 2, id="rounded up"),
        pytest.param(Size(0, 5 * sizes.GIB), 5, id="limit alone, below the default"),
        pytest.param(Size(0, 5 * sizes.GIB + 7), 5, id="limit alone, rounded down"),
        pytest.param(Size(0, 100 * sizes.GIB), 16, id="limit alone, above the default"),
        pytest.param(Size(16384 * sizes.GIB), 16384, id="the largest"),
    ],
)
def test_size(size: Size, gib: int) -> None:
    assert capacity.choose_gib(size, SIZES) == gib


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(Size(16384 * sizes.GIB + 1), id="above the largest"),
        pytest.param(Size((1 << 63) - 1), id="huge"),
        pytest.param(Size(1, 2), id="no whole GiB within the limit"),
        pytest.param(Size(0, 1000), id="limit below the smallest"),
    ],
)
def test_a_size_that_no_volume_has_is_out_of_range(size: Size) -> None:
    with pytest.raises(errors.OutOfRange):
        capacity.choose_gib(size, SIZES)


@pytest.mark.parametrize("size", [Size(-1), Size(0, -1), Size(2, 1)], ids=["negative", "negative limit", "crossed"])
def test_a_range_that_makes_no_sense_is_invalid(size: Size) -> None:
    with pytest.raises(errors.InvalidArgument):
        capacity.check(size)


@given(BYTES, BYTES, st.integers(0, 16384))
def test_what_is_made_fits_what_was_asked(required: int, limit: int, source_gib: int) -> None:
    size = Size(required, limit)
    try:
        gib = capacity.choose_gib(size, SIZES, sizes.to_bytes(source_gib))
    except errors.OutOfRange:
        return
    assert capacity.fits(size, sizes.to_bytes(gib))
    assert source_gib <= gib <= SIZES.largest


def test_a_copy_is_as_large_as_its_source_where_no_size_is_asked_for() -> None:
    assert capacity.choose_gib(Size(), SIZES, 5 * sizes.GIB) == 5
    assert capacity.choose_gib(Size(0, 9 * sizes.GIB), SIZES, 5 * sizes.GIB) == 5


def test_a_range_that_makes_sense_is_taken_as_it_is() -> None:
    size = Size(1, 2)
    assert capacity.check(size) is size


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        pytest.param(Size(), True, id="any size"),
        pytest.param(Size(10), True, id="just large enough"),
        pytest.param(Size(11), False, id="too small"),
        pytest.param(Size(1, 10), True, id="just within the limit"),
        pytest.param(Size(1, 9), False, id="too large"),
    ],
)
def test_a_volume_of_ten_bytes_fits_what_was_asked(size: Size, *, fits: bool) -> None:
    assert capacity.fits(size, 10) is fits


def test_a_volume_grows_up_to_the_limit_and_a_size_of_nothing_makes_sense() -> None:
    volume = Volume("v", "pvc-a", "a", sizes.GIB)
    assert capacity.grown_gib(volume, Size(2 * sizes.GIB, 2 * sizes.GIB), SIZES) == 2
    with pytest.raises(errors.OutOfRange):
        capacity.grown_gib(volume, Size(1, sizes.GIB - 1), SIZES)
    sound = [Size(), Size(1), Size(0, 1), Size(1, 1)]
    assert [capacity.check(size) for size in sound] == sound

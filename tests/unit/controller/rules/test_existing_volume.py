import pytest

from common import errors, sizes
from controller.cloud.records import Volume
from controller.records import BLANK, Create, Size, Source
from controller.rules.existing_volume import check_existing

ORIGIN = Source(snapshot_id="1")
TWO_GIB = Size(2 * sizes.GIB)
EXISTING = Volume("v", "pvc-a", "a", 2 * sizes.GIB, origin=ORIGIN)


def wanted(source: Source = ORIGIN, size: Size = TWO_GIB, zone: str = "a", zones: tuple[str, ...] = ()) -> Create:
    return Create("pvc-a", zone, size, source, zones)


@pytest.mark.parametrize(
    "fitting",
    [
        pytest.param(wanted(), id="as it is"),
        pytest.param(wanted(zone="b", zones=("b", "a")), id="in another zone that is allowed"),
        pytest.param(wanted(size=Size(5 * sizes.GIB)), id="a copy that has yet to grow"),
    ],
)
def test_a_volume_that_fits_is_the_one_that_is_wanted(fitting: Create) -> None:
    check_existing(fitting, EXISTING, 2 * sizes.GIB)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(wanted(BLANK), id="blank"),
        pytest.param(wanted(Source(snapshot_id="2")), id="another snapshot"),
        pytest.param(wanted(Source(volume_id="1")), id="a volume"),
        pytest.param(wanted(zone="b", zones=("b", "c")), id="another zone"),
        pytest.param(wanted(size=Size(1, sizes.GIB)), id="smaller"),
        pytest.param(wanted(size=Size(2 * sizes.GIB, 1)), id="no size at all"),
    ],
)
def test_a_volume_that_does_not_fit_is_another_one(other: Create) -> None:
    with pytest.raises(errors.AlreadyExists):
        check_existing(other, EXISTING, 2 * sizes.GIB)


def test_a_volume_of_which_nobody_tells_what_it_was_made_of_passes() -> None:
    check_existing(wanted(), Volume("v", "pvc-a", "a", 2 * sizes.GIB), 2 * sizes.GIB)

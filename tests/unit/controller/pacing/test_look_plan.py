import pytest

from controller.cloud.records import Kind, Pending
from controller.pacing.look_plan import Watch, with_lines
from controller.pacing.look_price import Left, plenty

HALF_USED = Left(hour_limit=5000, hour=5000, reset_seconds=3600, minute_limit=250, minute=125)


def watches(count: int, behind: int) -> list[Watch]:
    """Actions on so many servers, each with so many calls in the server's line."""
    return [Watch(Pending(str(number), Kind.ATTACH, f"v{number}"), 0.0, line=range(behind)) for number in range(count)]


@pytest.mark.parametrize(("servers", "behind"), [(62, 0), (31, 2), (1, 15)])
def test_lines_for_which_the_minute_has_room_take_nothing_from_the_budget(servers: int, behind: int) -> None:
    assert with_lines(HALF_USED, watches(servers, behind)) == HALF_USED


@pytest.mark.parametrize(("servers", "behind", "waiting"), [(100, 0, 75), (25, 14, 275)])
def test_calls_in_lines_for_which_the_minute_has_no_request_wait_for_the_rate_limit(
    servers: int, behind: int, waiting: int
) -> None:
    left = with_lines(HALF_USED, watches(servers, behind))
    assert left.waiting == waiting
    assert plenty(left) == 0

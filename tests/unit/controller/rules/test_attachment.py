"""What an attach or a detach has come to, by what the volume shows."""

import pytest

from common import errors
from controller.cloud.cloud_errors import AlreadyAttached, NotAttached, OddAnswer, ServerFull
from controller.cloud.records import Volume
from controller.records import Attach, PublishContext
from controller.rules import attachment

HERE, ELSEWHERE, FREE = (Volume("v", "pvc-1", "nyc1", 1 << 30, holders) for holders in (("1",), ("2",), ()))
UNKNOWN = errors.OutcomeUnknown("no answer")


@pytest.mark.parametrize(
    ("shown", "error", "raised"),
    [
        (ELSEWHERE, AlreadyAttached("a"), errors.FailedPrecondition),
        (FREE, AlreadyAttached("a"), errors.Unavailable),
        (FREE, ServerFull("f"), ServerFull),
        (ELSEWHERE, UNKNOWN, errors.OutcomeUnknown),
    ],
)
def test_an_attach_that_the_volume_does_not_show_is_told_as_what_it_came_to(
    shown: Volume, error: errors.DriverError, raised: type[errors.DriverError]
) -> None:
    attachment.check_attached(HERE, "1", error)
    with pytest.raises(raised):
        attachment.check_attached(shown, "1", error)


@pytest.mark.parametrize(
    ("error", "raised"), [(UNKNOWN, errors.OutcomeUnknown), (NotAttached("n"), errors.Unavailable)]
)
def test_a_detach_is_done_once_the_volume_does_not_show_the_node(
    error: errors.DriverError, raised: type[errors.DriverError]
) -> None:
    for shown in (ELSEWHERE, FREE):
        attachment.check_detached(shown, "1", error)
    with pytest.raises(raised):
        attachment.check_detached(HERE, "1", error)


def test_a_volume_that_has_another_name_than_it_was_made_with_is_not_attached() -> None:
    for told in (None, PublishContext("pvc-1", 1 << 30)):
        attachment.check_name(FREE, Attach("v", "1", told))
    with pytest.raises(OddAnswer, match="was made as pvc-2"):
        attachment.check_name(FREE, Attach("v", "1", PublishContext("pvc-2", 1 << 30)))

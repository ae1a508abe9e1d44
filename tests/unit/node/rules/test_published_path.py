"""What a call that only looks for a published volume answers to a path at which none can be."""

import pytest

from common import errors
from node.rules import request_fields


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("some/path", errors.NotFound, id="relative"),
        pytest.param("", errors.InvalidArgument, id="missing"),
        pytest.param("/var/../etc", errors.InvalidArgument, id="with dots"),
    ],
)
def test_a_path_at_which_nothing_can_be_published_is_refused(path: str, error: type[errors.Refused]) -> None:
    with pytest.raises(error):
        request_fields.published_path(path, "volume_path")


def test_an_absolute_path_is_taken() -> None:
    assert request_fields.published_path("/var/lib/kubelet/pods/a/", "volume_path") == "/var/lib/kubelet/pods/a"

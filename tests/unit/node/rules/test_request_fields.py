"""Ids, names and paths from the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from node.rules import request_fields

LONGEST_PATH = ("/" + "x" * 99) * 38


@pytest.mark.parametrize("value", ["", None, 1, "a/b", "../x", "a b", "a\nb", "-rf", ".hidden", "x" * 129, "ä"])
def test_an_odd_id_is_refused(value: object) -> None:
    with pytest.raises(errors.InvalidArgument):
        request_fields.volume_id(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", None, 1, "relative", "/a/../b", "/a/./b", "/a/..", "/a\nb", "/a\0b", "//a", "/", "/a\\b"),
        *("/" + "x" * 5000, "/" + "x" * 256, LONGEST_PATH + "x"),
    ],
)
def test_an_odd_path_is_refused(value: object) -> None:
    with pytest.raises(errors.InvalidArgument):
        request_fields.path(value, "target_path")


def test_what_is_as_long_as_it_may_be_is_taken() -> None:
    assert request_fields.volume_id("x" * 128) == request_fields.volume_name("x" * 128, "volume_context") == "x" * 128
    for path in (LONGEST_PATH, "/" + "x" * 255):
        assert request_fields.path(path, "target_path") == path


def test_a_path_loses_the_slash_at_its_end() -> None:
    assert request_fields.path("/var/lib//kubelet/", "target_path") == "/var/lib/kubelet"


@given(st.text())
def test_any_text_is_taken_as_a_plain_path_or_refused(value: str) -> None:
    try:
        path = request_fields.path(value, "target_path")
    except errors.InvalidArgument:
        return
    assert path.startswith("/")
    assert ".." not in path.split("/")
    assert path.isprintable()


def test_an_id_and_a_name_that_the_driver_gives_are_taken() -> None:
    name = "pvc-0f9d"
    assert request_fields.volume_id("7940e7f5-c368-430c-981a-7f56348a24c7") == "7940e7f5-c368-430c-981a-7f56348a24c7"
    assert request_fields.volume_name(name, "publish_context") == name


@pytest.mark.parametrize("value", ["", None, "a/b", "..", "x" * 129])
def test_an_odd_name_is_refused(value: object) -> None:
    with pytest.raises(errors.InvalidArgument, match="publish_context"):
        request_fields.volume_name(value, "publish_context")


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

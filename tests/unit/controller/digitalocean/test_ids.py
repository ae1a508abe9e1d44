import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from common import errors
from controller.cloud import cloud_errors
from controller.digitalocean import ids


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(lambda text: text not in {".", ".."}))
def test_an_id_is_one_segment_of_the_path_whatever_it_holds(text: str) -> None:
    sent = URL("http://api" + ids.path("volumes", text, "actions"))
    assert sent.parts == ("/", "v2", "volumes", text, "actions")
    assert (sent.query_string, sent.fragment) == ("", "")


@pytest.mark.parametrize("text", [".", "..", "x" * 2001])
def test_nothing_has_an_id_that_would_be_another_path_or_too_long_for_one(text: str) -> None:
    with pytest.raises(cloud_errors.Gone):
        ids.path("volumes", text, "actions")


@pytest.mark.parametrize("text", ["...", ". ", "%2E", "%2e%2E", ".%2e", "..\\", "../..", "a/.."])
def test_an_id_that_resembles_a_dot_segment_is_sent_as_it_is(text: str) -> None:
    assert URL("http://api" + ids.path("volumes", text)).parts == ("/", "v2", "volumes", text)


def test_an_empty_id_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument):
        ids.path("volumes", "")


@pytest.mark.parametrize("text", [None, "", "a", "-1", "0", "007", "1.5", "1e3", "१२३", "9" * 40, " 1", "1\n"])
def test_there_is_no_droplet_whose_id_is_not_a_number(text: str | None) -> None:
    with pytest.raises(cloud_errors.Gone):
        ids.droplet_number(text)


def test_the_id_of_a_droplet_is_its_number() -> None:
    assert ids.droplet_number("410000001") == 410000001

"""Words of the documentation that have a plainer form."""

import pytest

from tools import words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("it is mounted anew", "again"),
        ("Somebody has it", "the user, another client, another process"),
        ("'x' is no absolute path", "is not a …"),
    ],
)
def test_a_word_that_has_a_plainer_form_is_named_with_its_place(text: str, plain: str) -> None:
    (line,) = words.found("page.md", f"fine\n{text}")
    assert line.startswith("page.md:2: ")
    assert line.endswith(f"write {plain!r}")


def test_parts_of_other_words_are_left_alone() -> None:
    assert list(words.found("page.md", "a coupon for Manew; this is not a path")) == []

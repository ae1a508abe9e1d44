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


def test_of_a_module_its_docstrings_and_messages_are_looked_at_and_nothing_else() -> None:
    source = '"""About it.\n\nIt is read anew."""\nanew = 1  # anew\nraise ValueError(f"{anew} upon")\n'
    assert [line.split(": ")[0] for line in words.found("m.py", words.texts(source))] == ["m.py:3", "m.py:5"]


def test_parts_of_other_words_are_left_alone() -> None:
    assert list(words.found("page.md", "a coupon for Manew; this is not a path")) == []

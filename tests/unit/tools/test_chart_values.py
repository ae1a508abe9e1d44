"""What a comment above a key of values.yaml documents."""

import pytest

from tools.chart import Json, values

TEXT = """\
# Says what this file is, and belongs to no key.

group:
  # The first value.
  first: 1
  # A map, whose keys
  # are its default.
  second:
    inner: true
    # not a value: it is inside one
    deeper: false
  third: undocumented
# A value without a group.
last: []
"""


def test_a_comment_documents_the_key_below_it_and_what_is_inside_is_its_default() -> None:
    assert list(values.commented(TEXT.splitlines())) == [
        (("group", "first"), "The first value."),
        (("group", "second"), "A map, whose keys are its default."),
        (("last",), "A value without a group."),
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param({"enum": ["a", "b"]}, "a or b", id="choice"),
        pytest.param({"type": "integer", "minimum": 1, "maximum": 9}, "1 to 9", id="range"),
        pytest.param({"type": "integer", "minimum": 10}, "10 or more", id="least"),
        pytest.param({"anyOf": [{"const": 0}, {"minimum": 10}]}, "0 or 10 or more", id="either"),
        pytest.param({"type": "boolean"}, "true or false", id="yes or no"),
        pytest.param({"$ref": "#/definitions/list"}, "list", id="by reference"),
    ],
)
def test_a_rule_of_the_schema_is_told_in_a_few_words(rule: dict[str, Json], words: str) -> None:
    assert values.allowed(rule, {"definitions": {"list": {"type": "array"}}}) == words

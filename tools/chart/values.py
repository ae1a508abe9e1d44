"""What values.yaml says of each value: its path, its default, the comment above it, and what the schema allows.

A key that has a comment is a value; what is below it is its default. A key without one only groups what is below it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tools.chart import CHART, Json, branch

KEY = re.compile(r"^(?P<indent> *)(?P<key>\w+):")


@dataclass(frozen=True)
class Value:
    """One documented value of the chart."""

    path: tuple[str, ...]
    about: str
    default: Json
    allowed: str


def documented() -> list[Value]:
    """Return the values, in the order of values.yaml."""
    text = (CHART / "values.yaml").read_text()
    defaults: Json = yaml.safe_load(text)
    schema: Json = json.loads((CHART / "values.schema.json").read_text())
    return [
        Value(path, about, _at(defaults, path), allowed(_rule(schema, path), schema))
        for path, about in commented(text.splitlines())
    ]


def commented(lines: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and the comment of each key that has a comment directly above it."""
    groups: list[tuple[int, str]] = []
    comment: list[str] = []
    inside: int | None = None  # the indent of the value whose default the lines now belong to
    for line in lines:
        match = KEY.match(line)
        if line.lstrip().startswith("#"):
            comment.append(line.strip("# "))
        elif match and (inside is None or len(match["indent"]) <= inside):
            indent = len(match["indent"])
            groups = [*((depth, key) for depth, key in groups if depth < indent), (indent, match["key"])]
            inside = indent if comment else None
            if comment:
                yield tuple(key for _, key in groups), " ".join(comment)
            comment = []
        else:
            comment = []


def allowed(rule: dict[str, Json], schema: Json) -> str:
    """Say in a few words what a rule of the schema lets pass."""
    rule = resolved(rule, schema)
    if isinstance(choices := rule.get("enum"), list):
        return " or ".join(str(choice) for choice in choices)
    if isinstance(options := rule.get("anyOf"), list):
        return " or ".join(allowed(option, schema) for option in options if isinstance(option, dict))
    if "const" in rule:
        return str(rule["const"])
    if "minimum" in rule or "maximum" in rule:
        return f"{rule.get('minimum', '')} to {rule['maximum']}" if "maximum" in rule else f"{rule['minimum']} or more"
    names = {"array": "list", "boolean": "true or false", "object": "map", "string": "text"}
    return names.get(str(rule.get("type")), "")


def resolved(rule: dict[str, Json], schema: Json) -> dict[str, Json]:
    """Follow a reference into the schema's definitions, also one that a rule adds to: the first of allOf."""
    parts = rule.get("allOf")
    part = parts[0] if isinstance(parts, list) else rule
    reference = part.get("$ref") if isinstance(part, dict) else None
    return branch(branch(schema, "definitions"), reference.rpartition("/")[2]) if isinstance(reference, str) else rule


def _rule(schema: Json, path: tuple[str, ...]) -> dict[str, Json]:
    rule = schema if isinstance(schema, dict) else {}
    for key in path:
        rule = branch(branch(resolved(rule, schema), "properties"), key)
    return rule


def _at(value: Json, path: tuple[str, ...]) -> Json:
    for key in path:
        value = value[key] if isinstance(value, dict) else None
    return value

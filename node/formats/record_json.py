"""A record of the state directory as JSON, which an older and a newer version of the driver read, too.

A field that is not known is kept, and written back. A field that is missing has its default, if it has one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TypeVar, get_origin

from node.records.state import Intent, Published, Staged

Entry = Intent | Published | Staged
Record = TypeVar("Record", bound=Entry)

FORMAT = 1  # another number is a file that this version must not judge


def parse(kind: type[Record], text: str) -> tuple[Record, dict[str, object]]:
    """Return the record and the fields that are not known. Raises ValueError, saying why it cannot be read."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # one error for all that cannot be read
    if found.pop("format", FORMAT) != FORMAT:
        raise ValueError("its format is another version's")
    known = {
        each.name: _checked(each.name, found.pop(each.name), each.type) for each in fields(kind) if each.name in found
    }
    try:
        return kind(**known), found  # type: ignore[arg-type]  # checked one by one
    except TypeError as error:
        raise ValueError(f"a field is missing: {error}") from error


def render(record: Entry, unknown: Mapping[str, object]) -> str:
    """Return the text that ``parse`` reads."""
    return json.dumps({"format": FORMAT, **asdict(record), **unknown})


def _checked(name: str, value: object, kind: object) -> object:
    """JSON has lists where the records have tuples of texts."""
    if get_origin(kind) is tuple and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value

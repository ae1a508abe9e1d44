"""Hypothesis strategies for well-formed messages that say odd things."""

import dataclasses
from functools import cache

import betterproto2
from betterproto2 import Message
from hypothesis import strategies as st

NO_UUID = "00000000-0000-0000-0000-000000000000"
TEXTS = (
    "",
    "x",
    "pvc-a",
    NO_UUID,
    NO_UUID.upper(),
    "101",
    "-1",
    "9" * 30,
    "nyc1",
    "ext4",
    "remount,rw",
    "noformat",
    "..",
    "/staging/../etc",
    "/nowhere/staging",
    "relative/path",
    "two\nlines",
    "zero\0byte",
    "caf\u00e9 \U0001f4be",
    "\ud7ff\u202e",
    "l" * 5000,
)
KEYS = ("region", "type", "csi.storage.k8s.io/fstype", "dobs.csi.digitalocean.com/volume-name", "")
NUMBERS = (0, 1, -1, 1 << 30, (1 << 30) + 1, 16384 << 30, (1 << 63) - 1, -(1 << 63))

texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))


@cache
def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Return a strategy for messages of ``kind``: each field is often left out, and seldom sensible."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # every message is a dataclass
    groups: dict[str, list[str]] = {}
    values = {}
    for field in fields:
        meta = betterproto2.FieldMetadata.get(field)
        values[field.name] = _values(kind, field.name, meta)
        if meta.group and not meta.group.startswith("_"):
            groups.setdefault(meta.group, []).append(field.name)
    grouped = {name for names in groups.values() for name in names}

    def build(drawn: dict[str, object], chosen: tuple[str, ...]) -> Message:
        return kind(**{name: value for name, value in drawn.items() if name not in grouped or name in chosen})

    free = st.fixed_dictionaries({}, optional=values)
    one_of_each = st.tuples(*(st.sampled_from(names) for names in groups.values()))
    return st.builds(build, free, one_of_each)


def _values(kind: type[Message], name: str, meta: betterproto2.FieldMetadata) -> st.SearchStrategy[object]:
    if meta.map_meta is not None:
        return st.dictionaries(st.one_of(st.sampled_from(KEYS), texts), texts, max_size=3)
    one = _one(kind, name, meta)
    return st.lists(one, max_size=2) if meta.repeated else one


def _one(kind: type[Message], name: str, meta: betterproto2.FieldMetadata) -> st.SearchStrategy[object]:
    if meta.proto_type == betterproto2.TYPE_STRING:
        return texts
    if meta.proto_type == betterproto2.TYPE_BOOL:
        return st.booleans()
    if meta.proto_type == betterproto2.TYPE_MESSAGE and not meta.unwrap:
        inner = kind._betterproto.cls_by_field[name]  # type: ignore[arg-type]  # as in common/message_check
        return st.deferred(lambda: messages(inner))
    if meta.proto_type == betterproto2.TYPE_ENUM:
        enum = kind._betterproto.cls_by_field[name]  # type: ignore[arg-type]  # as in common/message_check
        return st.sampled_from([*range(8), 99]).map(enum)
    if meta.proto_type in {betterproto2.TYPE_INT64, betterproto2.TYPE_MESSAGE}:
        return st.sampled_from(NUMBERS)
    return st.integers(-5, 500)

"""What no log, error, metric or repr may show, and how a message is told without it.

Two kinds of secret: values registered for the life of the process (the cloud token), and values of the call that is
being served (every field of a CSI message that is marked ``csi_secret`` is named ``secrets``; a test holds that
against csi.proto). ``repr`` of a message prints secrets in clear, so nothing may log it: use ``describe``.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from betterproto2 import Message

BLANK = "***"
SECRET_FIELDS = frozenset({"secrets"})
SHORTEST = 4  # characters: blanking a shorter value would mangle every line and hide nothing

_process: set[str] = set()
_call: ContextVar[frozenset[str]] = ContextVar("secrets", default=frozenset())


def register(*values: str) -> None:
    """Blank ``values`` in every log line and error from now on, until the process ends."""
    _process.update(value for value in values if len(value) >= SHORTEST)


def forget(value: str) -> None:
    """Blank ``value`` no longer: a token that was replaced, and is no secret any more."""
    _process.discard(value)


def hide(*values: str) -> None:
    """Blank ``values`` in what this task, and every task it starts from now on, logs or answers."""
    _call.set(_call.get() | {value for value in values if len(value) >= SHORTEST})


def scrub(text: str) -> str:
    """Return ``text`` with every secret that is known here blanked."""
    for secret in sorted(_process | _call.get(), key=len, reverse=True):
        text = text.replace(secret, BLANK)
    return text


def scrub_all(value: object) -> object:
    """Return ``value`` with every secret in its texts blanked; what is no text or container stays as it is."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {scrub(str(key)): scrub_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub_all(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value))


def secrets_of(message: Message) -> Iterator[str]:
    """Yield every secret value within ``message``."""
    for name, value in _set_fields(message):
        if name in SECRET_FIELDS and isinstance(value, Mapping):
            yield from (str(secret) for secret in value.values())
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Message):
                yield from secrets_of(part)


def describe(message: Message) -> dict[str, object]:
    """Return the set fields of ``message`` as plain values, secrets blanked."""
    return {
        name: dict.fromkeys(map(str, value), BLANK)
        if name in SECRET_FIELDS and isinstance(value, Mapping)
        else _plain(value)
        for name, value in _set_fields(message)
    }


def _set_fields(message: Message) -> Iterator[tuple[str, object]]:
    for field in dataclasses.fields(message):  # type: ignore[arg-type]  # every generated message is a dataclass
        value = getattr(message, field.name, None)
        if value:
            yield field.name, value


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return describe(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return scrub_all(value)

"""The fields of the DigitalOcean API's JSON: which values fit, and that one odd item of a list is left out and logged.

Source: DigitalOcean API v2 (OpenAPI).
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, TypeVar

import structlog
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

log = structlog.get_logger("cloud")

Item = TypeVar("Item")

LARGEST_GIB = 16_384
LONGEST_LIST = 1_000_000  # items
MANY = 5  # if none of so many items fits, the list is odd, and not its items
EARLIEST, LATEST = datetime(2011, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # the company is of 2011


def _none_is_empty(value: object) -> object:
    return () if value is None else value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


def _plausible(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("must be a moment of this century")
    return moment


def _skip_odd(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Leave out an item that does not fit: one odd item of another client must not hide all others."""
    try:
        return handler(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        _tell(".".join(map(str, first["loc"]))[:100], first["msg"][:200], _id_of(value))
        return None


@lru_cache(maxsize=1000)
def _tell(field: str, error: str, item_id: str) -> None:
    """Log it once: a list is read every minute."""
    log.warning(
        "odd_item", field=field, message=error, id=item_id, remedy="none needed, unless it is a volume of yours"
    )


def _id_of(value: object) -> str:
    return repr(value.get("id"))[:60] if isinstance(value, dict) else ""


def _some_fit(items: tuple[Item | None, ...]) -> tuple[Item | None, ...]:
    if len(items) >= MANY and not any(items):
        raise ValueError(f"none of {len(items)} items fits")
    return items


Number = Annotated[int, Field(strict=True, ge=1, lt=1 << 63)]
Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 31)]
Gib = Annotated[int, Field(strict=True, ge=1, le=LARGEST_GIB)]
Uuid = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z")
]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9-]{1,32}\z")]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=255), AfterValidator(_printable)]
Text = Annotated[str, StringConstraints(max_length=4096)]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Tags = Annotated[tuple[Name, ...], Field(max_length=1000), BeforeValidator(_none_is_empty)]
NO_TAGS: tuple[str, ...] = ()
Items = Annotated[  # None in the place of an odd one
    tuple[Annotated[Item | None, WrapValidator(_skip_odd)], ...], Field(max_length=1000), AfterValidator(_some_fit)
]

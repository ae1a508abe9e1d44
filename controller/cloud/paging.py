"""Reads a list to its end, page by page."""

from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Protocol, TypeVar

from common import errors
from controller.cloud.cloud_errors import OddAnswer
from controller.cloud.records import Page
from controller.codes import Code

ROUNDS = 3  # so often a list is read again that changes meanwhile


class Listed(Protocol):
    """What has an id."""

    @property
    def id(self) -> str:
        """No two items of a list have the same."""
        ...


Item = TypeVar("Item", bound=Listed)


async def everything(read: Callable[[int], Awaitable[Page[Item]]]) -> list[Item]:
    """Return the items of all pages, each once; ``read`` returns the page of a number, from 1.

    When something is made or deleted meanwhile, later pages shift: then it is read again. Raises OutcomeUnknown if it
    does not come to an end, or never stays the same.
    """
    found: dict[str, Item] = {}
    for _ in range(ROUNDS):
        found, stayed = await _round(read)
        if stayed:
            return list(found.values())
    raise errors.Unavailable(
        f"the list of {_kind(found.values())} has changed {ROUNDS} times while it was read",
        remedy="none needed: it is read again",
        error_code=Code.NOT_SHOWN_YET,
    )


async def _round(read: Callable[[int], Awaitable[Page[Item]]]) -> tuple[dict[str, Item], bool]:
    """Return what all pages hold, and whether the list has stayed the same meanwhile."""
    page = await read(1)
    found, number, total = {each.id: each for each in page.items}, 1, page.total
    while page.more:
        number += 1
        page = await read(number)
        check_new(page, found, number)
        found |= {each.id: each for each in page.items}
        if page.total != total:
            return found, False
    return found, True


def check_new(page: Page[Item], known: Container[str], number: int) -> None:
    """Raise OutcomeUnknown for a further page that shows nothing but what is known: the list does not end."""
    if page.items and all(each.id in known for each in page.items):
        raise OddAnswer(f"page {number} of the list of {_kind(page.items)} repeats what came before")


def _kind(items: Iterable[object]) -> str:
    """Return what is listed, in the plural."""
    return next((f"{type(each).__name__.lower()}s" for each in items), "nothing")

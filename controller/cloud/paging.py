"""Reads a list to its end, page by page."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from controller.cloud.base import Page

Item = TypeVar("Item")


async def everything(read: Callable[[int], Awaitable[Page[Item]]]) -> list[Item]:
    """Return the items of all pages; ``read`` returns the page of a number, from 1."""
    found: list[Item] = []
    number, more = 1, True
    while more:
        page = await read(number)
        found += page.items
        number, more = number + 1, page.more
    return found

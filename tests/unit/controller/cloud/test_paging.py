"""A list is read page by page, to the last."""

from dataclasses import dataclass

import pytest

from controller.cloud.paging import everything
from controller.cloud.records import Page


@dataclass(frozen=True)
class Thing:
    """Something with an id."""

    id: str


FIRST, SECOND, THIRD = map(Thing, "abc")
PAGES = {1: Page((FIRST, SECOND), more=True, total=3), 2: Page((THIRD,), more=False, total=3)}


@pytest.mark.asyncio
async def test_each_page_is_read_once_and_in_order() -> None:
    asked: list[int] = []

    async def read(number: int) -> Page[Thing]:
        asked.append(number)
        return PAGES[number]

    assert (await everything(read), asked) == ([FIRST, SECOND, THIRD], [1, 2])

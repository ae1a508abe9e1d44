"""A list is read page by page, to the last."""

import pytest

from controller.cloud.base import Page
from controller.cloud.paging import everything

PAGES = {1: Page((1, 2), more=True, total=3), 2: Page((3,), more=False, total=3)}


@pytest.mark.asyncio
async def test_each_page_is_read_once_and_in_order() -> None:
    asked: list[int] = []

    async def read(number: int) -> Page[int]:
        asked.append(number)
        return PAGES[number]

    assert (await everything(read), asked) == ([1, 2, 3], [1, 2])

"""One page of a list, and how many there are in all."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

LARGEST_PAGE = 200
DEFAULT_PAGE = 20
LARGEST_OFFSET = 1 << 62  # SQLite counts in 64 bits


@dataclass(frozen=True)
class Slice:
    """Which page is asked for: the first is 1, and a page has at most 200 items."""

    page: int = 1
    per_page: int = DEFAULT_PAGE

    @property
    def offset(self) -> int:
        """Return how many items come before this page."""
        return min((self.page - 1) * self.per_page, LARGEST_OFFSET)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """The items of one page, and the number of items of all pages."""

    items: tuple[Item, ...]
    total: int

"""Pages of the API's lists: whether one is whole, by the list's own total, and whether a further one follows.

What a list does not show is taken for gone, so a page that lacks some of what it should have is no answer.
Source: DigitalOcean API v2 (OpenAPI): ``meta.total``, ``links.pages.next``.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from controller.cloud import records
from controller.cloud.cloud_errors import OddAnswer
from controller.digitalocean import models
from controller.digitalocean.api_request import ApiRequest

Json = TypeVar("Json")
Record = TypeVar("Record")

PAGE_SIZE = 200  # the API's largest


def query(page: int, size: int = PAGE_SIZE) -> dict[str, str]:
    """Return what asks for that page."""
    return {"page": str(page), "per_page": str(size)}


def demand_whole(call: ApiRequest, found: models.ListJson, received: int) -> None:
    """Raise OutcomeUnknown if the page has fewer items than it should by the total that came with it."""
    number, size = int(call.query["page"]), int(call.query["per_page"])
    due = min(size, found.meta.total - (number - 1) * size)
    if received < due:
        raise OddAnswer(f"{call}: the list is incomplete: page {number} has {received} of {due} items")


def page_of(
    call: ApiRequest,
    found: models.ListJson,
    items: Sequence[Json | None],
    record: Callable[[Json], Record],
    wanted: Callable[[Json], bool] = lambda _: True,
) -> records.Page[Record]:
    """Return the page, with those items that are ``wanted``. Raises OutcomeUnknown if it is not whole.

    A total below what is there does not count, and neither does a link alone, which could be followed for ever.
    """
    demand_whole(call, found, len(items))
    kept = tuple(record(each) for each in items if each is not None and wanted(each))
    here = (int(call.query["page"]) - 1) * PAGE_SIZE + len(items)
    total = max(found.meta.total, here)
    more = here < total or (found.more and len(items) >= PAGE_SIZE)
    return records.Page(kept, total, more, left_out=len(items) - len(kept))

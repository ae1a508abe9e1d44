"""Writing a reply: one object, a page of a list with its links, an error.

Source: DigitalOcean API "Links & Pagination", "Errors".
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from localcloud.api_errors import Problem
from localcloud.state.paging import Page, Slice

Item = TypeVar("Item")

JSON = "application/json"


class Pages(BaseModel, frozen=True):
    """Links to other pages; those that lead nowhere are left out."""

    first: str | None = None
    prev: str | None = None
    next: str | None = None
    last: str | None = None


class Links(BaseModel, frozen=True):
    """Links of a list; empty when there is one page."""

    pages: Pages | None = None


class Error(BaseModel, frozen=True):
    """The body of every error."""

    id: str
    message: str
    request_id: str


class OtherError(BaseModel, frozen=True):
    """The body of the errors that the creation of tags gives."""

    error: str
    messages: tuple[str, ...] | None
    root_causes: tuple[str, ...]


def one(name: str, value: BaseModel, status: int = 200) -> web.Response:
    """Return a reply with one object under its name."""
    return web.Response(body=f'{{"{name}":{value.model_dump_json()}}}'.encode(), status=status, content_type=JSON)


def nothing() -> web.Response:
    """Return the empty reply of a deletion."""
    return web.Response(status=204)


def many(
    request: web.Request, name: str, page: Page[Item], asked: Slice, to_json: Callable[[Item], BaseModel]
) -> web.Response:
    """Return a page of a list, with links to the others and the total."""
    items = ",".join(to_json(item).model_dump_json() for item in page.items)
    links = _links(request, page.total, asked).model_dump_json(exclude_none=True)
    text = f'{{"{name}":[{items}],"links":{links},"meta":{{"total":{page.total}}}}}'
    return web.Response(body=text.encode(), content_type=JSON)


def plain(values: Sequence[BaseModel] | BaseModel | dict[str, object]) -> web.Response:
    """Return a reply of the control API: a value as it is."""
    return web.Response(body=TypeAdapter(object).dump_json(values), content_type=JSON)


def problem(error: Problem, request_id: str) -> web.Response:
    """Return an error."""
    text = Error(id=error.kind, message=error.message, request_id=request_id).model_dump_json()
    headers = {} if error.retry_after is None else {"retry-after": error.retry_after}
    return web.Response(body=text.encode(), status=error.status, content_type=JSON, headers=headers)


def other_problem(error: Problem) -> web.Response:
    """Return an error in the form that only the creation of tags has (DigitalOcean API "tags_create", 400)."""
    text = OtherError(error=error.message, messages=None, root_causes=()).model_dump_json()
    return web.Response(body=text.encode(), status=400, content_type=JSON)


def _links(request: web.Request, total: int, asked: Slice) -> Links:
    last = max(1, -(-total // asked.per_page))
    if last == 1 and asked.page == 1:
        return Links()
    after, before = asked.page < last, asked.page > 1

    def to(number: int) -> str:
        return str(request.url.update_query(page=number, per_page=asked.per_page))

    return Links(
        pages=Pages(
            first=to(1) if before else None,
            prev=to(min(asked.page - 1, last)) if before else None,
            next=to(asked.page + 1) if after else None,
            last=to(last) if after else None,
        )
    )

"""Reading a request: its body, its page, the ids in its path.

Page numbers that make no sense are read as the first page, and pages larger than 200 as 200.
"""

import re
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from localcloud import api_errors
from localcloud.state.paging import DEFAULT_PAGE, LARGEST_PAGE, Slice

Model = TypeVar("Model", bound=BaseModel)

NUMBER = re.compile(r"[0-9]{1,18}")


async def body(request: web.Request, model: type[Model]) -> Model:
    """Return the JSON body. Raises Problem: 400 if it is no JSON, 422 if it is not what is expected."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise api_errors.bad_request("the request body is not valid JSON") from None
        where = ".".join(str(part) for part in first["loc"])
        raise api_errors.unprocessable(f"{where}: {first['msg']}" if where else first["msg"]) from None


def page(request: web.Request) -> Slice:
    """Return which page is asked for."""
    per_page = number(request.query.get("per_page"), DEFAULT_PAGE)
    return Slice(max(1, number(request.query.get("page"), 1)), min(max(1, per_page), LARGEST_PAGE))


def number_in_path(request: web.Request, name: str) -> int:
    """Return a numeric id of the path. Raises Problem 404 if it is not a number: there is no such thing."""
    if NUMBER.fullmatch(text := request.match_info[name]) is None:
        raise api_errors.not_found()
    return int(text)


def number(text: str | None, default: int) -> int:
    """Return a number of the query, or the default where there is none that SQLite can count with."""
    return default if text is None or NUMBER.fullmatch(text) is None else int(text)

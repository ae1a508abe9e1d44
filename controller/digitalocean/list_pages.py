"""Pages of the API's lists."""

from controller.digitalocean import models

PAGE_SIZE = 200  # the API's largest


def more(found: models.ListJson, page: int) -> bool:
    """Whether a further page follows. A link to the next one alone is not followed for ever: the total bounds it."""
    return found.more and page * PAGE_SIZE < found.meta.total


def query(page: int) -> dict[str, str]:
    """Return what asks for that page."""
    return {"page": str(page), "per_page": str(PAGE_SIZE)}

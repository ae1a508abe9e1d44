"""One request to the API: what is asked, for whom, how urgent it is, and what the API documents as its success.

Source: DigitalOcean API v2 (OpenAPI): each operation has exactly one status of success.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.pacing.lanes import Lane

OBJECT_BYTES = 256 * 1024  # longest reply that holds one object
SHORT_LIST_BYTES = 1024 * 1024  # a list that concerns one volume
COLLECTION_SLASHES = 2  # as in /v2/volumes
PAGE_BYTES = 4 * 1024 * 1024  # a page of 200 droplets has less than 2 MiB

Value = str | int | list[str] | list[dict[str, str]] | None


@dataclass(frozen=True)
class ApiRequest:
    """``success`` is the documented status. ``share`` names whom it is for: in a lane, everyone gets the same share.

    ``proves``: its answer is to prove the token, so it is sent with one that was not let in yet.
    """

    method: str
    path: str
    lane: Lane
    share: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Value] | None = None
    success: int = 200
    longest: int = OBJECT_BYTES
    proves: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does the same as sending it once."""
        return self.method in {"GET", "DELETE"}

    @property
    def changes(self) -> bool:
        """Whether it changes something in the cloud."""
        return self.method != "GET"

    @property
    def names_object(self) -> bool:
        """Whether it is about an object by its id, so that there may be no such object."""
        return self.path.count("/") > COLLECTION_SLASHES or bool(self.json and self.json.get("snapshot_id"))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

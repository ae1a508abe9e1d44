"""What counts as the API's own word: the one place that decides it.

Between the driver and the API lie proxies, gateways and login pages, and each of them answers with statuses of its own.
So a status alone proves nothing. An answer is the API's word if it has the one documented status of success with the
documented kind of body, or if it is an error in the documented shape whose id fits its status. Everything else leaves
the outcome unknown.

Source: DigitalOcean API v2 (OpenAPI): statuses of success, schema of errors, ``ratelimit-*`` headers of every reply.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from enum import Enum, auto
from functools import cached_property

import pydantic

from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.models import ErrorJson, TagErrorJson

ERROR_BYTES = 64 * 1024
LONGEST_WORDS = 300
LONGEST_FOREIGN_WORDS = 80
JSON = "application/json"
REFUSALS = frozenset({400, 403, 404, 409, 412, 422, 429})  # statuses that say: nothing was done
STATUS_OF_ID = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "unprocessable_entity": 422,
    "too_many_requests": 429,
    "server_error": 500,
    "service_unavailable": 503,
}
OWN_HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")  # the API sends them with every reply

_ERROR_ID = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,63}")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_OF_AN_OPERATION = re.compile(r"operation|one request per|droplet|volume|snapshot|\btag\b|\baction\b", re.IGNORECASE)


class Meaning(Enum):
    """What an answer means to whoever asked."""

    SUCCESS = auto()
    UNPROVEN_SUCCESS = auto()  # the documented status, but nothing in the answer shows that the API sent it
    REFUSED = auto()
    TOKEN_REFUSED = auto()
    ACCOUNT_LIMIT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True)
class ApiError:
    """An error in the API's own shape: a short word, and a sentence."""

    id: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What came back. ``status`` 0: nothing did. ``flaw``: why no answer came, or why its body cannot be used.

    ``sent`` False: the request never left. ``cut_short``: it was waited for too short a time to tell anything.
    """

    request: ApiRequest
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    flaw: str = ""
    sent: bool = True
    cut_short: bool = False

    @cached_property
    def error(self) -> ApiError | None:
        """The API's own error; None if this is none."""
        if self.status < 400 or self.flaw or self._media_type != JSON:
            return None
        found = self._parse_error()
        if found is None or _ERROR_ID.fullmatch(found.id) is None or not found.message.strip():
            return None
        documented = STATUS_OF_ID.get(found.id.lower().replace(" ", "_"), self.status)
        gone = found.id.lower() == "not_found" and self.request.names_object  # a collection is always there
        return found if documented == self.status and (self.status != 404 or gone) else None

    @cached_property
    def meaning(self) -> Meaning:
        """What the answer means."""
        if self.status == self.request.success:
            return self._success()
        if self.error is None:
            return Meaning.UNKNOWN
        if self.status == 401:
            return Meaning.TOKEN_REFUSED
        if self.status == 429:
            return Meaning.REFUSED if self._concerns_operation() else Meaning.ACCOUNT_LIMIT
        return Meaning.REFUSED if self.status in REFUSALS else Meaning.UNKNOWN

    @property
    def is_word(self) -> bool:
        """Whether the API itself has answered, with a success or with an error that is the caller's."""
        return self.meaning is Meaning.SUCCESS or (self.error is not None and self.status < 500)

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.status in {0, 429} or self.status >= 500

    def seen(self) -> str:
        """Say what came back, in a few words."""
        if self.status == 0:
            return self.flaw
        if self.flaw:
            return f"the answer was {self.status} with a body that cannot be used: {self.flaw}"
        if self.error is not None:
            return f"the cloud answered {self.status}: {one_line(self.error.message, LONGEST_WORDS)}"
        if self.status >= 500:
            return f"the cloud answered {self.status}"
        kind = self._media_type or "no content type"
        words = self._first_words()
        return f"the answer was {self.status} ({kind}){': ' + words if words else ''}, which is not the API's own"

    def _success(self) -> Meaning:
        if self.flaw:
            return Meaning.UNKNOWN
        if self.status == 204:
            own = not self.body and all(name in self.headers for name in OWN_HEADERS)
            return Meaning.SUCCESS if own else Meaning.UNPROVEN_SUCCESS
        return Meaning.SUCCESS if self._media_type == JSON else Meaning.UNKNOWN

    def _concerns_operation(self) -> bool:
        """Whether a 429 refuses this one operation. The account's limit has a text of its own."""
        text = "" if self.error is None else self.error.message
        if _OF_AN_OPERATION.search(text):
            return True
        if "rate limit" in text.lower():
            return False
        left = self.headers.get("ratelimit-remaining", "0")
        return self.request.changes and left.isascii() and left.isdigit() and left.strip("0") != ""

    def _parse_error(self) -> ApiError | None:
        try:
            found = ErrorJson.model_validate_json(self.body)
            return ApiError(found.id, found.message)
        except pydantic.ValidationError:
            return self._parse_tag_error()

    def _parse_tag_error(self) -> ApiError | None:
        """The creation of a tag documents another shape for its 400 (tags_create)."""
        if self.request.path != "/v2/tags" or self.status != 400:
            return None
        try:
            return ApiError("bad_request", TagErrorJson.model_validate_json(self.body).error)
        except pydantic.ValidationError:
            return None

    @property
    def _media_type(self) -> str:
        header = Message()
        header["content-type"] = self.headers.get("Content-Type", "")[:200]
        return header.get_content_type() if header["content-type"] else ""

    def _first_words(self) -> str:
        """Return the title of a page, or the first words of a text; nothing of anything else."""
        text = self.body[:4096].decode(errors="replace")
        if title := _TITLE.search(text):
            return repr(one_line(title.group(1), LONGEST_FOREIGN_WORDS))
        if "<" in text or "{" in text:
            return ""
        return repr(one_line(text, LONGEST_FOREIGN_WORDS)) if text.strip() else ""


def one_line(text: str, longest: int) -> str:
    """Return ``text`` on one line, with what cannot be printed left out, and cut."""
    line = " ".join(text[: 4 * longest].split())
    kept = "".join(letter if letter.isprintable() else "?" for letter in line)
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"

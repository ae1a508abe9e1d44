"""The rules of faults, as the control API takes them."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from localcloud.latency import Latency, parse_latency

ActionType = Literal["attach", "detach", "resize"]
RequestFault = Literal["latency", "error", "rate_limited", "answer", "drop_before", "drop_after", "lost_reply", "stale"]
ActionFault = Literal[
    "action_latency", "action_error", "action_stuck", "action_unseen", "action_forgotten", "droplet_vanishes"
]
DropletFault = Literal["attachments_stay"]
Kind = Literal[RequestFault, ActionFault, DropletFault]
REQUEST_FAULTS: tuple[str, ...] = get_args(RequestFault)
ACTION_FAULTS: tuple[str, ...] = get_args(ActionFault)
HEADER_NAME, HEADER_VALUE = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", r"^[\t -~]*$"
HeaderName = Annotated[str, Field(pattern=HEADER_NAME)]
HeaderValue = Annotated[str, Field(pattern=HEADER_VALUE)]


class Frozen(BaseModel):
    """A JSON object in which a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Where(Frozen):
    """Which requests or actions a rule is about; what is left out matches all. ``path`` may hold ``*``."""

    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str = "*"
    action: ActionType | None = None


class Rule(Frozen):
    """One fault, where it strikes, and when.

    It strikes at the matches whose number is in ``nth`` (1 is the first), if there are any; else at each match with
    ``probability``. After ``times`` strikes it is over.
    """

    kind: Kind
    where: Where = Where()
    nth: tuple[Annotated[int, Field(ge=1)], ...] = ()
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=1)] | None = None
    seconds: str = "60"  # of latency and action_latency: N, LOW-HIGH or cloudlike; of stale and lost_reply: N
    status: Annotated[int, Field(ge=200, le=599)] = 503  # of error and answer
    message: str | None = None  # of error and rate_limited
    retry_after: Annotated[int, Field(ge=0)] | HeaderValue | None = (
        1  # of rate_limited: seconds, any text, or no header
    )
    headers: Mapping[HeaderName, HeaderValue] = {}  # of answer
    body: str = ""  # of answer
    body_base64: Base64Bytes = b""  # of answer, for what is no text; it follows body
    done: bool = False  # of answer: the request is served first

    @property
    def latency(self) -> Latency:
        """Return ``seconds`` as a distribution."""
        return parse_latency(self.seconds)

    @property
    def is_of_requests(self) -> bool:
        """Say whether it strikes requests."""
        return self.kind in REQUEST_FAULTS

    @property
    def is_of_actions(self) -> bool:
        """Say whether it strikes actions."""
        return self.kind in ACTION_FAULTS

    @property
    def is_of_droplets(self) -> bool:
        """Say whether it strikes the deletion of droplets."""
        return not (self.is_of_requests or self.is_of_actions)

    @model_validator(mode="after")
    def _seconds_can_be_read(self) -> "Rule":
        parse_latency(self.seconds)
        return self

    @model_validator(mode="after")
    def _error_is_one(self) -> "Rule":
        if self.kind == "error" and self.status < 400:
            raise ValueError("the status of an error is 400 or more; an answer can have any")
        return self

    def matches_request(self, method: str, path: str, action: str | None) -> bool:
        """Say whether a request is one of those that the rule is about."""
        where = self.where
        return where.method in {None, method} and fnmatchcase(path, where.path) and where.action in {None, action}

    def matches_action(self, action: ActionType) -> bool:
        """Say whether an action is one of those that the rule is about."""
        return self.where.action in {None, action}

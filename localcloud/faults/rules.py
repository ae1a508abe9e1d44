"""The rules of faults, as the control API takes them."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from localcloud.latency import Latency, parse_latency

ActionType = Literal["attach", "detach", "resize"]
RequestFault = Literal["latency", "error", "rate_limited", "drop_before", "drop_after", "lost_reply", "stale"]
ActionFault = Literal["action_latency", "action_error", "action_stuck", "droplet_vanishes"]
Kind = RequestFault | ActionFault
REQUEST_FAULTS: tuple[str, ...] = get_args(RequestFault)


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
    status: Annotated[int, Field(ge=400, le=599)] = 503  # of error
    message: str = "Server was unable to give you a response."  # of error
    retry_after: Annotated[int, Field(ge=1)] = 1  # of rate_limited, seconds

    @property
    def latency(self) -> Latency:
        """Return ``seconds`` as a distribution."""
        return parse_latency(self.seconds)

    @property
    def is_of_requests(self) -> bool:
        """Say whether it strikes requests, and not actions."""
        return self.kind in REQUEST_FAULTS

    @model_validator(mode="after")
    def _seconds_can_be_read(self) -> "Rule":
        parse_latency(self.seconds)
        return self

    def matches_request(self, method: str, path: str, action: str | None) -> bool:
        """Say whether a request is one of those that the rule is about."""
        where = self.where
        return where.method in {None, method} and fnmatchcase(path, where.path) and where.action in {None, action}

    def matches_action(self, action: ActionType) -> bool:
        """Say whether an action is one of those that the rule is about."""
        return self.where.action in {None, action}

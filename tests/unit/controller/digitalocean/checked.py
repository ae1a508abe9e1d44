"""A token that is tried."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from common import errors
from common.tasks import Tasks
from controller.digitalocean.token import Token
from controller.digitalocean.token_check import TokenCheck
from controller.digitalocean.token_state import TokenState

HOUR, MINUTE, A_LOOK = 3600.0, 60.0, 11.0

GOOD, OTHER, WRONG = "dop_v1_good", "dop_v1_other", "dop_v1_wrong"


class Door:
    """The cloud as a token meets it."""

    def __init__(self, file: Path) -> None:
        self.token = Token(file=file)
        self.access = TokenState(asyncio.get_running_loop().time)
        self.asked: list[str] = []
        self.answers = True
        self.accounts = dict.fromkeys((GOOD, OTHER), "team-1")
        self.known: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    async def ask(self) -> str:
        token = self.token.current()
        self.asked.append(token)
        if not self.answers:
            raise errors.OutcomeUnknown("GET /v2/account: the cloud answered 503")
        if token == WRONG:
            raise errors.Unavailable("the cloud refuses the API token", remedy="put a valid token into its Secret")
        return self.accounts[token]

    async def see(self, volume_id: str) -> None:
        if (self.token.current(), volume_id) not in self.seen:
            raise errors.OutcomeUnknown("GET /v2/volumes: not found; this is not believed")


@asynccontextmanager
async def door(file: Path) -> AsyncIterator[Door]:
    """A door at which tokens of that file are tried."""
    found, tasks = Door(file), Tasks()
    check = TokenCheck(found.token, found.access, found.ask)
    check.know(lambda: found.known, found.see)
    tasks.background(check.run(), "trial")
    yield found
    await tasks.close()


def put(file: Path, token: str | None) -> None:
    """Let the secret hold that token, or nothing."""
    if token is None:
        file.unlink()
    else:
        file.write_text(token)

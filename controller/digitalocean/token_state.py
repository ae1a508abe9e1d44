"""Whether the cloud lets us in, and whose account it is: what readiness and the belief in "not found" rest on.

A process that was never let in is not ready. One that was let in is patient for a minute: it may be the cloud's fault.
Source: DigitalOcean API "account_get".
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from common import errors
from controller.codes import Code

TRIAL_SECONDS = 5.0  # how long a change waits until its token was tried
PATIENCE_SECONDS = 60.0
REFUSED = "the cloud refuses the API token; put a valid token into its Secret"
NOT_TRIED = "the cloud has not let the API token in yet"


class TokenState:
    """Remembers which token was let in, to which account, and since when we are kept out. ``clock``: monotonic seconds.

    ``doubted`` is set when a call needs a token to be tried.
    """

    def __init__(self, clock: Callable[[], float], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._patience = patience_seconds
        self._proven = ""
        self._account = ""
        self._let_in = False
        self._out_since: float | None = None
        self._why = NOT_TRIED
        self._news = asyncio.Event()
        self.doubted = asyncio.Event()

    def __repr__(self) -> str:
        return f"TokenState(reason={self.reason!r})"

    def is_proven(self, token: str) -> bool:
        """Whether the cloud has let in this token, to the account whose volumes this process knows."""
        return bool(token) and token == self._proven

    async def admit(self, token: str) -> None:
        """Return if the token may be used: another one than was let in may be of another account.

        What that account lacks is not gone, and its lists are not ours. Raises Unavailable.
        """
        if not self._let_in or self.is_proven(token):
            return
        self.doubted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(TRIAL_SECONDS):
                await self._news.wait()
        if not self.is_proven(token):
            raise errors.Unavailable(
                f"nothing is asked of the cloud with an API token that was not let in: {self._why}",
                error_code=Code.TOKEN_UNPROVEN,
            )

    def needs_witness(self, token: str, account: str) -> bool:
        """Whether the two accounts do not tell if this token and the one before are of the same."""
        return self._let_in and token != self._proven and not (account and self._account)

    def prove(self, token: str, account: str, *, witnessed: bool = False) -> bool:
        """The API let the token in. Another token is refused unless its ``account`` is the one before.

        An empty account is not known: it is believed of the first token, and of one that was ``witnessed``: a volume
        that this process knows is seen with it.
        """
        same = witnessed if self.needs_witness(token, account) else account == self._account
        if self._let_in and token != self._proven and not same:
            whose = f"of account {account}" if account else "without the right to tell its account"
            self.lack(
                f"the API token is {whose}, but this process works for account {self._account or 'that is not known'},"
                " and no volume that it knows shows that they are the same;"
                " give it a token of that account with account:read, or restart the controller if the account is meant"
                " to change"
            )
            return False
        self._account = self._account or account
        self._proven, self._let_in, self._out_since = token, True, None
        self._tell()
        return True

    async def until_let_in(self) -> None:
        """Wait until the API has let a token in."""
        while not self._let_in:
            await self._news.wait()

    def answered(self, token: str) -> None:
        """The API answered a request that came with the token."""
        if self.is_proven(token):
            self._out_since = None

    def lack(self, why: str) -> None:
        """We are kept out. Until the API lets us in, we stay so."""
        self._out_since = self._clock() if self._out_since is None else self._out_since
        self._why = why
        self._tell()

    @property
    def kept_out(self) -> bool:
        """Whether the last that was heard is that we are kept out, or nothing was heard yet."""
        return not self._let_in or self._out_since is not None

    @property
    def reason(self) -> str:
        """Why the driver is not ready; empty if it is."""
        if not self._let_in:
            return self._why
        if self._out_since is None:
            return ""
        seconds = self._clock() - self._out_since
        return f"{self._why} (for {seconds:.0f} s)" if seconds >= self._patience else ""

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def ready(self) -> bool:
        """Say whether work can be done. Answers from memory."""
        return not self.reason

"""Tries each token: at the start, whenever there is another one, and while the cloud keeps us out.

A replica whose sidecars do not lead sends no requests, and so would never learn that its token is refused: it would
look ready until it is needed. A token that was let in is not tried again. While the cloud refuses it, or does not
answer, it is, less and less often: it may be the cloud's fault.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import islice

import structlog

from common import deadlines, errors
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState

log = structlog.get_logger("token")

LOOK_SECONDS = 10.0  # how often the file is looked at, which asks nothing of the cloud
TRY_SECONDS = 15.0  # longest time of one try
FIRST_AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 10.0, 300.0
WITNESSES = 3  # volumes that are asked for with a token that does not tell its account


class TokenCheck:
    """Tries tokens by ``ask``, which changes nothing and returns the account; empty if the token may not see that.

    What came of it is with ``access``.
    """

    def __init__(self, token: Token, access: TokenState, ask: Callable[[], Awaitable[str]]) -> None:
        self._token = token
        self._access = access
        self._ask = ask
        self._tried = ""
        self._told = ""
        self._again_at = float("inf")
        self._again_seconds = FIRST_AGAIN_SECONDS
        self._known: Callable[[], Iterable[str]] = tuple
        self._see: Callable[[str], Awaitable[object]] | None = None

    def know(self, known: Callable[[], Iterable[str]], see: Callable[[str], Awaitable[object]]) -> None:
        """Take the volumes that are ``known`` for witnesses: ``see`` asks for one, and raises if it is not seen."""
        self._known, self._see = known, see

    async def run(self) -> None:
        """Look at the token for ever."""
        while True:
            await self.look()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._access.doubted.wait()
            except TimeoutError:
                continue
            self._access.doubted.clear()

    async def look(self) -> None:
        """Try the token, if it is another one, or if it is time to try again."""
        try:
            token = self._token.current()
        except errors.Unavailable as error:
            self._tried = ""
            self._access.lack(str(error))
            self._tell(error)
            return
        if token != self._tried:
            self._again_seconds = FIRST_AGAIN_SECONDS
        elif not self._is_time():
            return
        self._tried = token
        if await self._let_in(token):
            self._again_at, self._again_seconds = float("inf"), FIRST_AGAIN_SECONDS
            return
        self._again_at = asyncio.get_running_loop().time() + self._again_seconds
        self._again_seconds = min(2 * self._again_seconds, LONGEST_AGAIN_SECONDS)

    def _is_time(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._again_at == float("inf") and self._access.kept_out:
            self._again_at = now + self._again_seconds
        return now >= self._again_at

    async def _let_in(self, token: str) -> bool:
        try:
            with deadlines.until(asyncio.get_running_loop().time() + TRY_SECONDS):
                account = await self._ask()
                witnessed = self._access.needs_witness(token, account) and await self._is_witnessed()
        except errors.DriverError as error:
            self._access.lack(str(error))
            self._tell(error)
            return False
        if not self._access.prove(token, account, witnessed=witnessed):
            log.error("account_changed", message=self._access.reason)
            return False
        self._told = ""
        log.info("token_accepted", account=account or "not told to this token")
        return True

    async def _is_witnessed(self) -> bool:
        """Say whether the token sees a volume that was seen before: a volume is of one account."""
        if self._see is None:
            return False
        for volume_id in islice(self._known(), WITNESSES):
            with suppress(errors.DriverError):
                await self._see(volume_id)
                return True
        return False

    def _tell(self, error: errors.DriverError) -> None:
        """Log why the token is not let in, or not there, once for each reason."""
        reason = f"{type(error).__name__} {error.error_code}"
        if self._told != reason:
            self._told = reason
            log.warning("token_not_proven", again_in_seconds=self._again_seconds, **errors.fields(error))

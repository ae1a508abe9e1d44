"""Tries each token once: at the start, and whenever there is another one.

A replica whose sidecars do not lead sends no requests, and so would never learn that its token is refused: it would
look ready until it is needed. A token that was let in is not tried again. While the cloud refuses it, or does not
answer, it is, now and then: it may be the cloud's fault.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common import deadlines, errors
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState

log = structlog.get_logger("token")

LOOK_SECONDS = 10.0  # how often the file is looked at, which asks nothing of the cloud
TRY_SECONDS = 15.0  # longest time of one try
AGAIN_SECONDS = 300.0


class TokenCheck:
    """Tries tokens by ``ask``, a request that changes nothing. What came of it is with ``access``."""

    def __init__(self, token: Token, access: TokenState, ask: Callable[[], Awaitable[object]]) -> None:
        self._token = token
        self._access = access
        self._ask = ask
        self._tried = ""
        self._again_at = float("inf")

    async def run(self) -> None:
        """Look at the token for ever."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251 (nothing tells when kubelet has replaced a secret's file)

    async def _look(self) -> None:
        try:
            token = self._token.current()
        except errors.Unavailable as error:
            self._tried = ""
            self._access.lack(error.message)
            return
        if token != self._tried or asyncio.get_running_loop().time() >= self._again_at:
            self._tried = token
            self._again_at = float("inf") if await self._let_in() else asyncio.get_running_loop().time() + AGAIN_SECONDS

    async def _let_in(self) -> bool:
        try:
            with deadlines.until(asyncio.get_running_loop().time() + TRY_SECONDS):
                await self._ask()
        except errors.Refused:
            pass  # the cloud knows who we are, which is what was asked
        except errors.NotFinal as error:
            log.warning("token_not_proven", error=error.message, remedy=error.remedy, again_in_seconds=AGAIN_SECONDS)
            return False
        log.info("token_accepted")
        return True

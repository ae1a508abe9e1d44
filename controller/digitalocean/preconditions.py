"""What the controller needs of the cloud, tried one by one for ``--check``; nothing is changed.

Source: DigitalOcean API "account_get", "regions_list" and the lists that the driver reads; token scopes.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from common import errors
from common.checks import Check
from controller.codes import Code
from controller.digitalocean import region_check
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState

TOKEN, LET_IN, ZONE = "API token", "the API lets the token in", "region"


def preconditions(
    cloud: DigitalOcean, token: Token, access: TokenState, root: str, zone: Callable[[], Awaitable[str]]
) -> Sequence[Check]:
    """Return the checks. ``zone`` finds out where this runs."""

    async def has_token() -> str:
        token.current()
        return str(token)

    async def let_in() -> str:
        account = await cloud.account_id()
        access.prove(token.current(), account)
        return f"{root}, account {account or 'not told to this token'}"

    async def has_volumes() -> str:
        here = await zone()
        if text := region_check.problem(here, await cloud.region(here)):
            raise errors.FailedPrecondition(text, remedy=region_check.REMEDY, error_code=Code.SETTINGS)
        return here

    return (
        Check(TOKEN, has_token),
        Check(LET_IN, let_in, needs=(TOKEN,)),
        Check(ZONE, zone),
        Check("the region has volumes", has_volumes, needs=(LET_IN, ZONE)),
        *_lists(cloud, zone),
    )


def _lists(cloud: DigitalOcean, zone: Callable[[], Awaitable[str]]) -> Iterator[Check]:
    """Yield a check for each list that the token has to be let into."""

    async def volumes() -> str:
        return f"{(await cloud.list_volumes(await zone(), 1)).total} there"

    async def snapshots() -> str:
        return f"{(await cloud.snapshots.list_snapshots(1)).total} there"

    async def servers() -> str:
        return f"{(await cloud.list_servers(1)).total} there"

    async def actions() -> str:
        await cloud.account_actions(1)
        return "yes" if cloud.may_list_actions else "no, so each action costs a request of its own"

    read = {"volumes": volumes, "snapshots": snapshots, "droplets": servers, "actions": actions}
    yield from (Check(f"the token may read {name}", run, needs=(LET_IN,)) for name, run in read.items())

"""What the actions tell: one by one, of a volume, or of the whole account in one list.

A lone action is read by its id. Several share the list of the account's actions, one request for all. That the list
contains the actions of volumes is not promised by the API: it is proven as it is used, and while it is not, or the
token may not read it, actions are read one by one. Ids of actions are numbers that grow with time.
Source: DigitalOcean API "actions_list", "volumeActions_list".
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from common import errors
from controller.cloud.cloud_errors import Gone, LookRefused
from controller.cloud.records import ActionState, Changes, Kind, Page, Pending, Place, Progress

log = structlog.get_logger("actions")

MISSES_TO_DISTRUST, DISTRUST_SECONDS = 3, 600.0
PAGES_AT_MOST = 5
VOLUME_KINDS = frozenset({Kind.ATTACH, Kind.DETACH, Kind.RESIZE})


class ActionSource(Protocol):
    """The requests that read actions."""

    async def get_action(self, volume_id: str, action_id: str) -> Progress:
        """Return an action; an empty ``volume_id`` means that its volume is not known. Raises Gone."""
        ...

    async def volume_actions(self, volume_id: str) -> Page[Progress]:
        """Return the volume's newest actions, newest first. Raises Gone."""
        ...

    async def account_actions(self, page: int) -> Page[Progress]:
        """Return a page of the account's actions, newest first."""
        ...


class ActionList:
    """Answers what base.Cloud asks of actions."""

    def __init__(self, source: ActionSource) -> None:
        self._source = source
        self._distrusted_until = float("-inf")
        self._misses = 0
        self._proven = False  # whether the account's list was seen to hold actions of volumes

    async def progress(self, due: Sequence[Pending], others: Sequence[Pending]) -> list[Progress]:
        """See base.Cloud."""
        if len(due) + len(others) == 1 or _now() < self._distrusted_until:
            return await self._one_by_one(due)
        wanted = {each.id: each for each in (*due, *others)}
        try:
            found = await self._listed(wanted)
        except LookRefused as refused:  # a token may be without the right to list
            log.warning("list_of_actions_refused", message=str(refused), remedy="none needed, but it saves requests")
            self._distrusted_until = _now() + DISTRUST_SECONDS
            return await self._one_by_one(due)
        except errors.NotFinal as error:  # one odd action of another client must not hide ours
            log.warning("list_of_actions_failed", waiting=len(wanted), **errors.fields(error))
            self._learn(some_found=False, some_missing=isinstance(error, errors.OutcomeUnknown))
            return []
        missing = [each for each in due if each.id not in found]
        self._learn(bool(found), bool(missing))
        return [*found.values(), *await self._one_by_one(missing)]

    async def blocking(self, place: Place) -> Pending | None:
        """See base.Cloud."""
        of_volume = (await self._source.volume_actions(place.volume_id)).items
        if mine := next((each for each in of_volume if not each.ended), None):
            return mine.action
        if place.server_id is None:
            return None
        of_account = (await self._source.account_actions(1)).items
        theirs = (each.action for each in of_account if not each.ended and each.action.server_id == place.server_id)
        return next(theirs, None)

    async def changes(self, since: str) -> Changes | None:
        """See base.Cloud. ``since`` is the id of an action: those up to it are accounted for."""
        page, last = await self._source.account_actions(1), int(since or 0)
        new = [each for each in page.items if _number(each) > last and _may_move_volumes(each)]
        newest = max(map(_number, page.items), default=last)
        now = min((_number(each) - 1 for each in new if not each.ended), default=newest)
        self._proven = self._proven or any(each.action.kind in VOLUME_KINDS for each in page.items)
        if not self._proven:
            return None
        reaches = any(_number(each) <= last for each in page.items)
        missed = not reaches and (bool(last) or page.more)  # else the list shows what is accounted for
        return Changes(str(now), tuple(each.action.id for each in new if each.ended), missed)

    async def _one_by_one(self, pendings: Sequence[Pending]) -> list[Progress]:
        told = await asyncio.gather(*map(self._one, pendings))
        return [each for each in told if each is not None]

    async def _one(self, pending: Pending) -> Progress | None:
        try:
            found = await self._source.get_action(pending.volume_id, pending.id)
        except Gone:
            return Progress(pending, ActionState.FORGOTTEN)
        except LookRefused:
            raise
        except errors.NotFinal as error:
            log.warning("action_not_read", volume_id=pending.volume_id, **errors.fields(error))
            return None
        if not _is_about(found, pending):
            told = f"{found.action.kind.value} on node {found.action.server_id}, not {pending.kind.value}"
            log.warning("action_is_another", volume_id=pending.volume_id, action_id=pending.id, message=told)
            return None
        return found

    async def _listed(self, wanted: Mapping[str, Pending]) -> dict[str, Progress]:
        """Return those of the wanted actions that the account's list holds."""
        found: dict[str, Progress] = {}
        for number in range(1, PAGES_AT_MOST + 1):
            page = await self._source.account_actions(number)
            known = (each for each in page.items if each.action.id in wanted)
            found |= {each.action.id: each for each in known if _is_about(each, wanted[each.action.id])}
            if len(found) == len(wanted) or not page.more or _is_older(page, set(wanted) - set(found)):
                break
        return found

    def _learn(self, some_found: bool, some_missing: bool) -> None:
        """Stop to trust the list after looks in a row that found none of our actions in it."""
        self._misses = 0 if some_found or not some_missing else self._misses + 1
        if self._misses >= MISSES_TO_DISTRUST:
            self._misses = 0
            self._distrusted_until = _now() + DISTRUST_SECONDS
            log.warning("list_of_actions_lacks_ours", remedy="none needed: actions are read one by one meanwhile")


def _is_about(found: Progress, wanted: Pending) -> bool:
    """Say whether what was found is the wanted action, and not another one under its number."""
    servers = {found.action.server_id, wanted.server_id} - {None}
    return found.action.kind is wanted.kind and len(servers) < 2


def _is_older(page: Page[Progress], missing: set[str]) -> bool:
    """Say whether a page, newest first, has passed all the missing actions."""
    return bool(page.items) and _number(page.items[-1]) < min(map(int, missing), default=0)


def _may_move_volumes(progress: Progress) -> bool:
    """Say whether an action is of a volume, or of a server: one that is deleted lets its volumes go."""
    return progress.action.kind in VOLUME_KINDS or progress.action.server_id is not None


def _number(progress: Progress) -> int:
    return int(progress.action.id)


def _now() -> float:
    return asyncio.get_running_loop().time()

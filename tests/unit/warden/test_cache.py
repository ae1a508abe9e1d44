"""Records that follow the API server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.api_server import FakeApiServer
from tests.unit.warden.cluster import node_json
from warden.api import EVERYWHERE, NODES, PODS, Change, ResourceKind, Scope
from warden.cache import Cache
from warden.rules.objects import Json, name_of, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def cache_of(api: FakeApiServer) -> Cache[str]:
    return Cache(api, NODES, lambda found: text(found, "metadata", "resourceVersion") or None)


async def running(cache: Cache[str]) -> asyncio.Task[None]:
    task = asyncio.create_task(cache.run())
    await asyncio.sleep(0.1)
    return task


async def test_what_is_there_and_what_comes_and_goes_is_known() -> None:
    api = FakeApiServer()
    for number in range(7):
        api.put(NODES, node_json(f"n{number}"))
    cache = cache_of(api)
    task = await running(cache)
    assert len(cache) == 7
    api.put(NODES, node_json("new"))
    api.remove(NODES, "n3")
    await asyncio.sleep(0.1)
    assert (len(cache), cache.get("n3"), cache.get("new")) == (7, None, "8")
    assert (cache.begun, cache.is_current) == (1, True)
    task.cancel()


async def test_a_version_that_is_too_old_lets_the_list_begin_again() -> None:
    api = FakeApiServer()
    api.put(NODES, node_json("stays"))
    api.put(NODES, node_json("goes"))
    cache = cache_of(api)
    task = await running(cache)
    api.away = True
    api.end_watches()
    await asyncio.sleep(0.1)
    assert not cache.is_current
    api.remove(NODES, "goes")
    api.forget_history()
    api.away = False
    await asyncio.sleep(10)
    assert (cache.begun, cache.is_current, cache.get("goes"), len(cache)) == (2, True, None, 1)
    task.cancel()


async def test_an_api_server_that_is_away_is_asked_less_and_less_often() -> None:
    api = FakeApiServer(away=True)
    task = await running(cache_of(api))
    await asyncio.sleep(600)
    assert 15 < len(api.calls) < 30
    task.cancel()


async def test_a_connection_that_was_lost_misses_nothing() -> None:
    api = FakeApiServer()
    cache = cache_of(api)
    task = await running(cache)
    api.away = True
    api.end_watches()
    await asyncio.sleep(0.1)
    api.put(NODES, node_json("n1"))
    api.away = False
    await asyncio.sleep(5)
    assert (len(cache), cache.begun) == (1, 1)
    task.cancel()


async def test_an_object_that_is_kept_no_longer_is_forgotten() -> None:
    def ours(found: Json) -> str | None:
        return name_of(found) if text(found, "spec", "nodeName") == "n1" else None

    api = FakeApiServer()
    pod = {"metadata": {"namespace": "a", "name": "p"}, "spec": {"nodeName": "n1"}}
    api.put(PODS, pod)
    cache = Cache(api, PODS, ours, Scope(namespace="a"))
    task = await running(cache)
    assert list(cache) == ["a/p"]
    api.put(PODS, {**pod, "spec": {"nodeName": "n2"}})
    await asyncio.sleep(0.1)
    assert list(cache) == []
    task.cancel()


class Cutting(FakeApiServer):
    """Something between ends each watch as soon as it has begun."""

    async def watch(self, kind: ResourceKind, version: str, scope: Scope = EVERYWHERE) -> AsyncIterator[Change]:
        async for change in super().watch(kind, version, scope):
            yield change
            return


async def test_a_watch_that_ends_at_once_is_not_begun_again_in_haste() -> None:
    api = Cutting()
    task = await running(cache_of(api))
    await asyncio.sleep(60)
    assert 30 < api.calls.count("watch nodes") <= 62
    task.cancel()

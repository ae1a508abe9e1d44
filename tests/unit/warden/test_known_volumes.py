"""Which controller knows the cloud's volumes, and that half a page is none."""

import json
from collections.abc import Callable, Mapping

import httpx2
import pytest

from tests.fakes.api_server import FakeApiServer
from tests.unit.warden.cluster import DRIVER
from warden import known_volumes
from warden.api import PODS
from warden.known_volumes import ControllerPages
from warden.rules.objects import Json

pytestmark = pytest.mark.asyncio

NOBODY = '{"age_seconds": null, "volumes": null}'
VOLUME = {"id": "h", "name": "n", "zone": "z", "size_bytes": 1, "node_ids": [], "tags": [], "created_at": 1}
Pages = Mapping[str, str | Exception]


def page(age: float, volumes: int = 1) -> str:
    lines = ",\n".join(json.dumps({**VOLUME, "id": f"h{number}"}) for number in range(volumes))
    return f'{{"age_seconds": {age}, "volumes": [\n{lines}\n]}}\n'


def pod(name: str, address: str, component: str = "controller", port: str = "http") -> Json:
    labels = {"aiocsi.dev/driver": DRIVER, "app.kubernetes.io/component": component}
    containers = [{"ports": [{"name": "other", "containerPort": 1}, {"name": port, "containerPort": 9810}]}]
    return {
        "metadata": {"namespace": "system", "name": name, "labels": labels},
        "spec": {"containers": containers},
        "status": {"podIP": address},
    }


def answering(pages: Pages) -> Callable[[httpx2.Request], httpx2.Response]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path.startswith("/volumes/uid-Pod-")
        found = pages[request.url.netloc.decode()]
        if isinstance(found, Exception):
            raise found
        return httpx2.Response(200 if found else 503, text=found)

    return answer


async def known(pages: Pages, *pods: Json) -> tuple[int, float] | None:
    api = FakeApiServer()
    for each in pods:
        api.put(PODS, each)
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answering(pages)))
    found = await ControllerPages(api, client, "system", DRIVER).known(600.0)
    return None if found is None else (len(found.volumes), found.age_seconds)


async def test_the_controller_that_knows_is_asked_and_those_that_do_not_are_passed_over() -> None:
    pages = {"10.0.0.1:9810": NOBODY, "10.0.0.2:9810": page(7200), "[fd00::3]:9810": page(42, 300)}
    pods = [
        pod("c1", "10.0.0.1"),
        pod("c2", "10.0.0.2"),
        pod("c3", "fd00::3"),
        pod("c4", ""),
        pod("n", "10.0.0.9", "node"),
    ]
    assert await known(pages, *pods) == (300, 42.0)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(NOBODY, id="it does not know"),
        pytest.param(page(601), id="old"),
        pytest.param(page(1, 9)[:-30], id="half"),
        pytest.param("", id="refused"),
        pytest.param(httpx2.ConnectError("refused"), id="away"),
    ],
)
async def test_a_list_that_is_old_or_not_whole_is_none(told: str | Exception) -> None:
    assert await known({"10.0.0.1:9810": told}, pod("c1", "10.0.0.1")) is None


async def test_a_page_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_volumes, "LONGEST_PAGE", 1000)
    assert await known({"10.0.0.1:9810": page(1, 99)}, pod("c1", "10.0.0.1")) is None


async def test_without_pods_or_an_api_server_nothing_is_known() -> None:
    assert await known({}, pod("c1", "10.0.0.1", port="metrics")) is None
    api = FakeApiServer(away=True)
    async with known_volumes.connect() as client:
        assert await ControllerPages(api, client, "system", DRIVER).known(600.0) is None

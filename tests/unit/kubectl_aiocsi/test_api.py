"""What is sent to the API server: GET alone, page by page; what is answered, also when it is bad."""

import httpx2
import pytest

from kubectl_aiocsi import api as api_module
from kubectl_aiocsi import records
from kubectl_aiocsi.api import AbsentError, Api, ForbiddenError, NotReadError, Where, connect
from kubectl_aiocsi.records import PODS, SNAPSHOTS, TERMINATING_PODS, Kind
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.breakages import BREAKAGES
from tests.unit.kubectl_aiocsi.world import healthy, made

pytestmark = pytest.mark.asyncio


async def test_nothing_is_sent_but_get_and_nothing_is_asked_about_secrets() -> None:
    for words in (["doctor"], ["why", "web"], ["why", "node", "one"]):
        server = healthy()
        BREAKAGES[0].make(server)
        await ask(server, *words)
        assert {method for method, _ in server.asked} == {"GET"}
        assert [url for _, url in server.asked if "secrets" in url] == []


async def test_a_list_is_read_to_its_last_page() -> None:
    server = healthy()
    server.page = 3
    server.add("pods", *(made("Pod", f"p{number}", "shop") for number in range(10)))
    assert len(await server.api().every(PODS, "shop")) == 11


@pytest.mark.parametrize("kind", [PODS, TERMINATING_PODS], ids=["all of it", "of which nothing is kept"])
async def test_a_list_without_an_end_is_given_up(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "LONGEST_LIST", 4)
    server = healthy()
    server.page = 2
    server.add("pods", *(made("Pod", f"p{number}", "shop") for number in range(10)))
    with pytest.raises(NotReadError, match="more than 4 pods"):
        await server.api().every(kind, "shop")


async def test_a_refusal_says_what_is_missing() -> None:
    server = healthy()
    server.forbidden.add("pods")
    server.not_served.add("snapshot.storage.k8s.io")
    server.texts["/api/v1/pods/broken"] = (500, "<html>bad gateway</html>")
    with pytest.raises(ForbiddenError, match="forbidden: pods is forbidden"):
        await server.api().every(PODS)
    with pytest.raises(AbsentError):
        await server.api().every(SNAPSHOTS)
    with pytest.raises(NotReadError, match="bad gateway"):
        await server.api().text("/api/v1/pods/broken")


async def test_a_readiness_page_is_read_also_when_it_says_no() -> None:
    server = healthy()
    server.texts["/p/readyz"] = (503, "no token")
    assert await server.api().text("/p/readyz") == "no token"
    server.texts["/p/readyz"] = (403, '{"kind": "Status", "message": "no pods/proxy for you"}')
    with pytest.raises(ForbiddenError, match="no pods/proxy for you"):
        await server.api().text("/p/readyz")


async def test_an_api_server_that_does_not_answer_is_named() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused", request=request)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(fail), base_url="https://api.example")
    with pytest.raises(NotReadError, match=r"the API server at api\.example does not answer: connection refused"):
        await Api(client, "shop").json("/version")


async def test_a_kubeconfig_that_is_not_there_is_said(tmp_path: object) -> None:
    with pytest.raises(NotReadError, match="kubeconfig"):
        async with connect(Where(kubeconfig=f"{tmp_path}/none")):
            pass


async def test_what_is_in_no_namespace_is_asked_for_in_none() -> None:
    kinds = [each for each in vars(records).values() if isinstance(each, records.Kind)]
    assert {each.plural for each in kinds if not each.namespaced} == {
        *("persistentvolumes", "nodes", "volumeattachments", "csinodes", "csidrivers", "storageclasses"),
        *("clusterroles", "clusterrolebindings", "volumesnapshotcontents", "volumesnapshotclasses"),
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx2.Response(200, text="<html>Sign\nin</html>"), "answers no object: <html>Sign in</html>"),
        (httpx2.Response(302, headers={"location": "https://sso.example"}), "sends to https://sso.example"),
        (httpx2.Response(401, json={"kind": "Status", "message": "Who?"}), r"does not know you \(Who\?\)"),
    ],
)
async def test_what_is_not_the_api_server_or_does_not_know_the_caller_is_no_empty_cluster(
    answer: httpx2.Response, said: str
) -> None:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: answer), base_url="https://api.example")
    with pytest.raises(NotReadError, match=said):
        await Api(client, "shop").every(PODS)


async def test_a_name_is_one_part_of_a_path() -> None:
    server = healthy()
    with pytest.raises(AbsentError):
        await server.api().one(PODS, "../secrets/x?y", "a/b")
    assert server.asked[-1][1].endswith("/api/v1/namespaces/a%2Fb/pods/..%2Fsecrets%2Fx%3Fy")

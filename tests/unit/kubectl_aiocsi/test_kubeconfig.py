"""The kubeconfig: read as kubectl reads it, and refused in a line where it cannot be used."""

from pathlib import Path

import httpx2
import pytest
import yaml

from kubectl_aiocsi import kubeconfig
from kubectl_aiocsi.api import Api, NotReadError, Where, connect
from kubectl_aiocsi.records import Json

pytestmark = pytest.mark.asyncio

HERE = {"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}
CONTEXT = {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}
GOOD: Json = {"clusters": [HERE], "contexts": [CONTEXT], "current-context": "here"}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


def user(**told: object) -> list[Json]:
    return [{"name": "me", "user": told}]


def written(folder: Path, name: str = "config", /, **changes: object) -> str:
    (folder / name).write_text(yaml.safe_dump({**GOOD, "users": user(token="t"), **changes}))  # noqa: S106  # of the test
    return str(folder / name)


async def asked(where: str = "", context: str = "") -> httpx2.Request:
    """Return the request that the kubeconfig makes."""
    client, _ = kubeconfig.opened(where, context)
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"gitVersion": "v1"})

    client._transport = httpx2.MockTransport(answer)  # lightkube makes the client
    await Api(client, "").json("/version")
    await client.aclose()
    return seen[-1]


async def test_files_are_taken_together_and_the_first_word_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = written(tmp_path, "one", clusters=None, contexts=None, users=user(token="first"))  # noqa: S106  # of the test
    paths = [str(tmp_path / "not-there"), first, written(tmp_path, "two")]
    monkeypatch.setenv("KUBECONFIG", ":".join(paths))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")  # in a pod, too
    request = await asked()
    assert (request.url.host, request.headers["authorization"]) == ("127.0.0.1", "Bearer first")


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_credential_plugin_of_either_version_is_run_and_told_which_it_is(tmp_path: Path, version: str) -> None:
    script = tmp_path / "login"
    told = '$(echo "$KUBERNETES_EXEC_INFO" | tr -dc a-z0-9)'
    script.write_text('#!/bin/sh\nprintf \'{"status": {"token": "%s"}}\' "' + told + '"\n')
    script.chmod(0o755)
    plugin = {"apiVersion": f"client.authentication.k8s.io/{version}", "command": "./login", "env": None, "args": None}
    request = await asked(written(tmp_path, users=user(exec=plugin, token="")))
    assert f"clientauthenticationk8sio{version}kind" in request.headers["authorization"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "echo hello"], "its plugin gave no token"),
        (["sh", "-c", "echo '[]'"], "its plugin gave no token"),
        (["sh", "-c", "echo please log in >&2; exit 1"], "please log in"),
        (["no-such-program"], "No such file or directory: 'no-such-program'"),
    ],
)
async def test_a_plugin_that_gives_no_token_is_said(tmp_path: Path, command: list[str], said: str) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": command[0], "args": command[1:]}
    with pytest.raises(NotReadError, match="the kubeconfig's credentials cannot be used") as raised:
        await asked(written(tmp_path, users=user(exec=plugin)))
    assert said in str(raised.value)


async def test_who_is_impersonated_and_what_the_server_is_called_is_sent(tmp_path: Path) -> None:
    cluster = {"server": "https://127.0.0.1:1", "tls-server-name": "api.example", "insecure-skip-tls-verify": True}
    told: Json = {"token": "t", "as": "jo", "as-groups": ["a", "b"], "as-uid": "7"}
    request = await asked(written(tmp_path, clusters=[{"name": "here", "cluster": cluster}], users=user(**told)))
    assert request.headers.get_list("impersonate-group") == ["a", "b"]
    assert (request.headers["impersonate-user"], request.headers["impersonate-uid"]) == ("jo", "7")
    assert request.extensions["sni_hostname"] == "api.example"


async def test_files_lie_beside_the_kubeconfig_and_data_goes_before_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of a file\n")
    request = await asked(written(tmp_path, users=user(tokenFile="token")))  # of the test
    assert request.headers["authorization"] == "Bearer of a file"
    placed = kubeconfig._placed({"client-key": "a", "client-key-data": "b"}, ["client-key"], tmp_path)  # a rule
    assert placed == {"client-key-data": "b"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"clusters": None}, "it lacks 'here'", id="no cluster"),
        pytest.param({"users": None}, "it lacks 'me'", id="no user"),
        pytest.param({"current-context": ""}, "it has no current context", id="no context"),
        pytest.param({"clusters": [{"cluster": {}}]}, "it lacks 'name'", id="no name"),
        pytest.param({"clusters": [{"name": "here", "cluster": {"server": 7}}]}, "Expected `str`", id="odd"),
        pytest.param({"clusters": [{"name": "here", "cluster": {"proxy-url": "foo"}}]}, "proxy", id="odd proxy"),
    ],
)
async def test_a_kubeconfig_that_lacks_something_is_said_in_a_line(tmp_path: Path, changes: Json, said: str) -> None:
    with pytest.raises(NotReadError, match="the kubeconfig cannot be used") as raised:
        async with connect(Where(written(tmp_path, **changes))):
            pass
    assert said in str(raised.value)


@pytest.mark.parametrize(("content", "said"), [("{: - [", "flow node"), ("- a", "is none"), ("", "no current context")])
async def test_a_file_that_is_no_kubeconfig_is_said(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(NotReadError, match=said):
        async with connect(Where(str(tmp_path / "config"))):
            pass


async def test_without_a_user_and_a_namespace_it_is_asked_as_nobody_in_default(tmp_path: Path) -> None:
    file = written(tmp_path, contexts=[{"name": "here", "context": {"cluster": "here", "namespace": ""}}], users=None)
    assert "authorization" not in (await asked(file)).headers
    async with connect(Where(file)) as api:
        assert api.namespace == "default"


async def test_in_a_pod_without_a_kubeconfig_its_service_account_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NotReadError, match="kube/config not found"):
        async with connect(Where()):
            pass
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(NotReadError, match="serviceaccount"):
        async with connect(Where()):
            pass

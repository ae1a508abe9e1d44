"""The official Python client, unchanged, against the embedded cloud: a volume's whole life, pages, errors."""

import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pydo
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from pydantic import BaseModel, JsonValue, TypeAdapter

from tools.services.localcloud import Process

A, B = 410000001, 410000002
ACTION_SECONDS = 20
Reply = TypeAdapter(dict[str, JsonValue])


class Volume(BaseModel, frozen=True):
    id: str
    name: str
    size_gigabytes: int
    droplet_ids: list[int]
    tags: list[str]


class Volumes(BaseModel, frozen=True):
    volumes: list[Volume]
    links: dict[str, dict[str, str]]
    meta: dict[str, int]


class Action(BaseModel, frozen=True):
    id: int
    status: str
    type: str


class Snapshot(BaseModel, frozen=True):
    id: str
    name: str
    resource_id: str
    min_disk_size: int


class PlainHttp(SansIOHTTPPolicy[object, object]):
    """Let the token travel without TLS, which the client refuses by itself: it stays on this machine."""

    def on_request(self, request: PipelineRequest[object]) -> None:
        request.context.options["enforce_https"] = False


def connect(cloud: Process, token: str | None = None) -> pydo.Client:
    endpoint = cloud.ready.address.rstrip("/")
    return pydo.Client(
        token=token or cloud.ready.token, endpoint=endpoint, retry_total=0, per_call_policies=[PlainHttp()]
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    state = tmp_path_factory.mktemp("pydo") / "state"
    with Process(state, "--disks=none", "--action-latency=0.05", "--snapshot-interval=0") as process:
        yield process


@pytest.fixture
def client(cloud: Process) -> Iterator[pydo.Client]:
    made = connect(cloud)
    yield made
    made.close()


def create(client: pydo.Client, name: str, **more: object) -> Volume:
    body = {"name": name, "size_gigabytes": 1, "region": "nyc1", **more}
    return Volume.model_validate(client.volumes.create(body=body)["volume"])


def act(client: pydo.Client, volume: Volume, body: MutableMapping[str, object]) -> Action:
    action = Action.model_validate(client.volume_actions.post_by_id(volume.id, body=body)["action"])
    deadline = time.monotonic() + ACTION_SECONDS
    while action.status == "in-progress":
        assert time.monotonic() < deadline, action
        action = Action.model_validate(client.volume_actions.get(volume.id, action.id)["action"])
    return action


def get(client: pydo.Client, volume: Volume) -> Volume:
    return Volume.model_validate(client.volumes.get(volume.id)["volume"])


def test_a_volume_lives_its_whole_life(client: pydo.Client) -> None:
    volume = create(client, "life", tags=["k8s"])
    assert act(client, volume, {"type": "attach", "droplet_id": A}).status == "completed"
    assert get(client, volume) == volume.model_copy(update={"droplet_ids": [A]})
    assert act(client, volume, {"type": "resize", "size_gigabytes": 2}).type == "resize_volume"
    assert act(client, volume, {"type": "detach", "droplet_id": A}).status == "completed"
    assert get(client, volume) == volume.model_copy(update={"size_gigabytes": 2})
    client.volumes.delete_by_name(name="life", region="nyc1")
    assert Volumes.model_validate(client.volumes.list(name="life", region="nyc1")).volumes == []


def test_a_snapshot_becomes_a_volume(client: pydo.Client) -> None:
    volume = create(client, "origin")
    reply = client.volume_snapshots.create(volume.id, body={"name": "kept"})
    snapshot = Snapshot.model_validate(reply["snapshot"])
    assert (snapshot.resource_id, snapshot.min_disk_size) == (volume.id, 1)
    assert create(client, "copy", snapshot_id=snapshot.id).size_gigabytes == 1
    assert Snapshot.model_validate(client.volume_snapshots.get_by_id(snapshot.id)["snapshot"]) == snapshot
    client.volume_snapshots.delete_by_id(snapshot.id)
    assert client.volume_snapshots.get_by_id(snapshot.id)["id"] == "not_found"  # this client returns a 404


def test_pages_are_walked_to_the_end(client: pydo.Client) -> None:
    made = [create(client, f"page-{number}").id for number in range(7)]
    seen: list[str] = []
    page = 1
    while True:
        reply = Volumes.model_validate(client.volumes.list(per_page=3, page=page))
        seen += [volume.id for volume in reply.volumes]
        if "next" not in reply.links.get("pages", {}):
            break
        page += 1
    assert len(seen) == reply.meta["total"]
    assert [volume_id for volume_id in seen if volume_id in made] == made


def test_tags_droplets_regions_and_account_are_read(client: pydo.Client) -> None:
    volume = create(client, "tagged")
    resources = {"resources": [{"resource_id": volume.id, "resource_type": "volume"}]}
    client.tags.create(body={"name": "blue"})
    client.tags.assign_resources("blue", body=resources)
    assert get(client, volume).tags == ["blue"]
    client.tags.unassign_resources("blue", body=resources)
    assert get(client, volume).tags == []
    droplets = Reply.validate_python(client.droplets.list())["droplets"]
    assert isinstance(droplets, list)
    assert len(droplets) == 2
    assert Reply.validate_python(client.account.get()["account"])["status"] == "active"
    assert Reply.validate_python(client.regions.list())["meta"] == {"total": 12}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"type": "detach", "droplet_id": A}, 422, "Attachment not found", id="not attached"),
        pytest.param({"type": "resize", "size_gigabytes": 1}, 422, "greater", id="not larger"),
    ],
)
def test_a_refused_action_says_why(
    client: pydo.Client, request: pytest.FixtureRequest, body: MutableMapping[str, object], status: int, words: str
) -> None:
    volume = create(client, f"refused-{abs(hash(request.node.name)) % 10**9}")
    with pytest.raises(HttpResponseError) as raised:
        client.volume_actions.post_by_id(volume.id, body=body)
    assert raised.value.status_code == status
    assert words in str(raised.value)


def test_a_taken_name_and_a_wrong_token_are_told_apart(client: pydo.Client, cloud: Process) -> None:
    create(client, "taken")
    with pytest.raises(HttpResponseError) as raised:
        create(client, "taken")
    assert raised.value.status_code == 409
    stranger = connect(cloud, "wrong")
    with stranger, pytest.raises(ClientAuthenticationError):
        stranger.volumes.list()


def test_the_minute_limit_reaches_the_client(tmp_path: Path) -> None:
    with Process(tmp_path / "state", "--disks=none", "--rate-minute=2") as process, connect(process) as client:
        client.volumes.list()
        client.volumes.list()
        with pytest.raises(HttpResponseError) as raised:
            client.volumes.list()
    assert raised.value.status_code == 429
    assert "API Rate limit exceeded" in str(raised.value)

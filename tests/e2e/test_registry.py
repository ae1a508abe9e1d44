"""The driver's image in a registry: what ``make image`` writes is taken there, and the chart's pods pull it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lightkube import AsyncClient
from lightkube.models.core_v1 import ContainerStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod, Secret

from tests.e2e import registry
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.parts import until_all_are_ready
from tests.e2e.place import Place
from tests.e2e.registry import Registry
from tools.image import version
from tools.services.embedded_cloud import EmbeddedCloud

SECRET = "registry"  # noqa: S105  # a name
DRIVER = {"app.kubernetes.io/instance": driver.RELEASE}
OURS = {"controller", "node"}

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio, pytest.mark.alone, pytest.mark.long]


@pytest_asyncio.fixture
async def served(workspace: Workspace, tmp_path: Path) -> AsyncIterator[Registry]:
    """The image in a registry, as the cluster was given it."""
    async with registry.serving(workspace, workspace.folder / "aiocsi.tar", tmp_path) as made:
        yield made


async def test_the_chart_s_pods_pull_the_image_by_its_digest_with_the_login_that_its_values_name(
    place: Place,
    client: AsyncClient,
    workspace: Workspace,
    embedded_cloud: EmbeddedCloud,
    served: Registry,
    tmp_path: Path,
) -> None:
    await served.crane("validate", "--remote")
    described = json.loads(await served.crane("config"))
    assert described["config"]["Labels"]["org.opencontainers.image.version"] == version()
    digest = (await served.crane("digest")).strip()
    repository = f"{registry.NAME}/{registry.REPOSITORY}"
    await place.make(stranger(f"{repository}@{digest}"))
    await place.event("Failed", "no basic auth credentials")
    assert served.pulls == set()

    values = driver.chart_values(workspace, embedded_cloud)
    values |= {"image": {"repository": repository, "digest": digest}, "imagePullSecrets": [SECRET]}
    (tmp_path / "values.json").write_text(json.dumps(values))
    login = ObjectMeta(name=SECRET, namespace=driver.NAMESPACE)
    kind = "kubernetes.io/dockerconfigjson"
    await client.create(Secret(metadata=login, type=kind, stringData={".dockerconfigjson": registry.login()}))
    try:
        await asyncio.to_thread(driver.upgrade, workspace, tmp_path / "values.json")
        await until_all_are_ready(client, DRIVER, seconds=180)
        statuses = await ours(client)
        assert len(statuses) == 2 + len(NODES)
        assert {status.imageID for status in statuses} == {f"{repository}@{digest}"}
        told = {node for node, path in served.pulls if path == f"/v2/{registry.REPOSITORY}/manifests/{digest}"}
        assert len(told) == len(NODES)
    finally:
        await asyncio.to_thread(driver.install, workspace, embedded_cloud)
        await client.delete(Secret, SECRET, namespace=driver.NAMESPACE)


def stranger(image: str) -> dict[str, object]:
    """Return a pod that wants the image and has no login."""
    container = {"name": "app", "image": image, "command": ["true"]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger"}, "spec": spec}


async def ours(client: AsyncClient) -> list[ContainerStatus]:
    """Return what the driver's own containers are, in pods that are not on their way out."""
    found = client.list(Pod, namespace=driver.NAMESPACE, labels=dict(DRIVER))
    return [
        status
        async for pod in found
        if pod.metadata is not None and pod.metadata.deletionTimestamp is None and pod.status is not None
        for status in pod.status.containerStatuses or []
        if status.name in OURS
    ]

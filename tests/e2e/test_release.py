"""A release is installed from a registry as a user does: signature, digest, upgrade, rollback, removal."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume, Secret

from tests.e2e import registry
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.guides import Guide, Operator
from tests.e2e.parts import until_all_are_ready
from tests.e2e.place import Place
from tests.e2e.registry import Registry
from tests.e2e.releases import Key, published
from tests.e2e.test_registry import DRIVER, SECRET, ours
from tests.e2e.writers import Writer
from tools.release import NotReleased, signing
from tools.release.publish import Published
from tools.services.embedded_cloud import EmbeddedCloud

_, FIRST, SECOND = NODES
OLD, NEW = "0.1.0", "0.2.0"
EXAMPLE = "registry.example.com/storage"
REPOSITORY = f"{registry.NAME}/{registry.REPOSITORY}"
WAIT = ("--wait", f"--timeout={driver.INSTALL_SECONDS}s", f"--namespace={driver.NAMESPACE}")

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio, pytest.mark.alone, pytest.mark.long]


@pytest_asyncio.fixture
async def served(
    workspace: Workspace, client: AsyncClient, embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> AsyncIterator[Registry]:
    """A registry without the driver in the cluster; the driver is there again when the test is over."""
    login = ObjectMeta(name=SECRET, namespace=driver.NAMESPACE)
    kind = "kubernetes.io/dockerconfigjson"
    (tmp_path / "registry").mkdir()
    async with registry.serving(workspace, workspace.folder / "aiocsi.tar", tmp_path / "registry") as made:
        await client.create(Secret(metadata=login, type=kind, stringData={".dockerconfigjson": registry.login()}))
        await asyncio.to_thread(driver.uninstall, workspace)
        try:
            yield made
        finally:
            await asyncio.to_thread(driver.uninstall, workspace)
            await asyncio.to_thread(driver.install, workspace, embedded_cloud)
            with suppress(ApiError):
                await client.delete(Secret, SECRET, namespace=driver.NAMESPACE)


@pytest_asyncio.fixture
async def releases(served: Registry, workspace: Workspace, tmp_path: Path) -> dict[str, Published]:
    """Two releases in the registry. What is signed with our key is not signed with another."""
    image = workspace.folder / "aiocsi.tar"
    own, other = [await asyncio.to_thread(Key.make, tmp_path, name) for name in ("ours", "other")]
    made = {
        version: await asyncio.to_thread(published, image, tmp_path / version, version, served.address, own)
        for version in (OLD, NEW)
    }
    for name in [name for one in made.values() for name in (one.image, one.chart)]:
        await asyncio.to_thread(signing.verify, name, own.public)
        with pytest.raises(NotReleased, match="cosign verify"):
            await asyncio.to_thread(signing.verify, name, other.public)
    return made


async def test_a_release_is_installed_upgraded_and_removed_while_pods_write(
    place: Place,
    client: AsyncClient,
    workspace: Workspace,
    embedded_cloud: EmbeddedCloud,
    releases: dict[str, Published],
    tmp_path: Path,
) -> None:
    values = driver.chart_values(workspace, embedded_cloud)
    values |= {"image": {"repository": REPOSITORY}, "imagePullSecrets": [SECRET]}
    (tmp_path / "values.json").write_text(json.dumps(values))

    async def helm(*words: str) -> None:
        await asyncio.to_thread(workspace.program, "helm", *words, *WAIT, seconds=driver.INSTALL_SECONDS + 30)
        await asyncio.to_thread(driver.rolled_out, workspace)
        await until_all_are_ready(client, DRIVER, seconds=180)

    [install] = Guide.read("install").commands("Verify a release")
    await asyncio.to_thread(Operator(workspace, tmp_path).play, install, filled_in(releases[OLD]))
    await until_all_are_ready(client, DRIVER, seconds=180)
    await runs(client, releases[OLD])
    writers = [Writer(place, "ext4"), Writer(place, "xfs")]
    await writers[0].start("do-block-storage", FIRST)
    await writers[1].start("do-block-storage-xfs", SECOND)
    before = [await writer.identity() for writer in writers]

    await helm("upgrade", *chart(releases[NEW], tmp_path))
    await runs(client, releases[NEW])
    await write_on(writers)
    await helm("rollback", driver.RELEASE, "1")
    await runs(client, releases[OLD])
    await write_on(writers)

    handles = {await place.volume_id(writer.name) for writer in writers}
    uninstall = ("uninstall", driver.RELEASE, *WAIT)
    await asyncio.to_thread(workspace.program, "helm", *uninstall, seconds=driver.INSTALL_SECONDS + 30)
    await write_on(writers)
    assert [await writer.identity() for writer in writers] == before
    kept = [one.spec.csi.volumeHandle async for one in client.list(PersistentVolume) if one.spec and one.spec.csi]
    assert handles <= set(kept)
    assert handles <= {str(volume["id"]) for volume in await embedded_cloud.volumes()}


def filled_in(release: Published) -> dict[str, str]:
    """Return what an operator puts in place of the guide's examples."""
    return {
        "cosign.pub": "ours.pub",
        f"{EXAMPLE}/aiocsi@sha256:…": release.image,
        f"{EXAMPLE}/charts/aiocsi@sha256:…": release.chart,
        f"--set image.repository={EXAMPLE}/aiocsi --set cloud.region=nyc1": "--plain-http --values values.json",
    }


def chart(release: Published, folder: Path) -> tuple[str, ...]:
    """Return what helm is told to install: the chart of a release, by its digest."""
    return (driver.RELEASE, f"oci://{release.chart}", "--plain-http", f"--values={folder / 'values.json'}")


async def runs(client: AsyncClient, release: Published) -> None:
    """Assert that the driver's containers run the image that a release's chart names, by its digest."""
    digest = release.image.partition("@")[2]
    assert {status.imageID for status in await ours(client)} == {f"{REPOSITORY}@{digest}"}


async def write_on(writers: list[Writer]) -> None:
    """Wait until each writer has written more than it has now; none has lost a line."""
    for writer in writers:
        await writer.writes_on(await writer.lines())

"""The API server itself accepts what the chart renders, of each file of values there is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chart.documents import realistic
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import KUBERNETES, Workspace
from tools import golang
from tools.chart import helm, schemas, snapshots
from tools.services.embedded_cloud import EmbeddedCloud

VALUES = {**dict(realistic()), **{snapshots.name(file): file.read_text() for file in snapshots.inputs()}}
AT_LEAST = 40

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio, pytest.mark.alone, pytest.mark.long]


@pytest_asyncio.fixture
async def fresh(workspace: Workspace, embedded_cloud: EmbeddedCloud) -> AsyncIterator[Workspace]:
    """A cluster without the driver, whose objects would refuse others of their names, and with Prometheus' kinds."""
    kinds = [f"--filename={file}" for file in golang.module_folder(*schemas.MONITORS).glob("example/*/*monitors.yaml")]
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(workspace.kubectl, "apply", "--server-side", *kinds)
    yield workspace
    await asyncio.to_thread(workspace.kubectl, "delete", *kinds)
    await asyncio.to_thread(driver.install, workspace, embedded_cloud)


async def test_the_api_server_accepts_what_is_made_of_forty_files_of_values_to_the_last_field(fresh: Workspace) -> None:
    assert len(VALUES) >= AT_LEAST
    options = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-")
    for name, values in VALUES.items():
        manifests = await asyncio.to_thread(helm.template, values, kubernetes=KUBERNETES)
        told = await asyncio.to_thread(fresh.kubectl, *options, stdin=manifests.encode())
        assert told.count("serverside-applied") == manifests.count("\nkind: "), name

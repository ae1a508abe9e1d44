"""Fixtures of the tests on a real cluster: ``make e2e`` makes it, runs them and removes it."""

import itertools
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lightkube import AsyncClient, KubeConfig

from tests.e2e.cluster import cloud, nodes
from tests.e2e.cluster.workspace import Workspace
from tests.e2e.place import Place, close_place, open_place
from tools.services.embedded_cloud import EmbeddedCloud

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    """The cluster's folder; what needs the cluster is skipped without it."""
    found = Workspace()
    if not found.kubeconfig.exists():
        pytest.skip("there is no cluster: make e2e makes it, or make e2e-up to keep it")
    return found


@pytest_asyncio.fixture
async def client(workspace: Workspace) -> AsyncIterator[AsyncClient]:
    """A client of the cluster."""
    made = AsyncClient(KubeConfig.from_file(str(workspace.kubeconfig)).get())
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def place(client: AsyncClient) -> AsyncIterator[Place]:
    """A namespace of the test's own. Its volumes are gone from the cloud when the test is over."""
    made = await open_place(client, f"e2e-{os.getpid()}-{next(_numbers)}")
    yield made
    await close_place(made)


@pytest.fixture
def embedded_cloud(workspace: Workspace) -> EmbeddedCloud:
    """The cloud that the driver talks to."""
    return cloud.up(workspace, nodes.gateway(workspace))

"""A cluster with a warden."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.warden.cluster import Cluster


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster with nodes and volumes."""
    made = Cluster()
    made.fill()
    yield made

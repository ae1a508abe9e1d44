"""localcloud, controller and two nodes as real processes: one set shared by tests that only call, or a fresh one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tools.csi.client import Client
from tools.processes import traces
from tools.services.stack import Node, Stack, running

CLOUD = ("--rate-hour=0", "--rate-minute=0", "--action-latency=0.05")


@pytest.fixture(scope="package")
def stack(disk_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Services that live as long as the tests of this folder."""
    folder = tmp_path_factory.mktemp("shared").resolve()
    assert folder.is_relative_to(disk_folder)
    with asyncio.Runner() as runner:
        services = running(folder, cloud_arguments=CLOUD)
        stack = runner.run(services.__aenter__())
        try:
            yield stack
        finally:
            runner.run(services.__aexit__(None, None, None))


@pytest_asyncio.fixture
async def left_as_found(stack: Stack) -> AsyncIterator[None]:
    """A test ends with the shared services as it found them: no volume, no mount, every process up."""
    yield
    assert [mount.line for mount in traces.mounts(stack.folder)] == []
    assert await stack.cloud.volumes() == []
    assert [program.name for program in stack.programs if not program.running] == []


@pytest_asyncio.fixture
async def fresh_stack(short_folder: Path) -> AsyncIterator[Stack]:
    """Services of the test's own, to be killed and stopped."""
    async with running(short_folder, cloud_arguments=CLOUD) as stack:
        yield stack


@pytest.fixture
def node_a(stack: Stack) -> Node:
    """The node of the first droplet."""
    return stack.nodes[0]


@pytest.fixture
def node_b(stack: Stack) -> Node:
    """The node of the second droplet."""
    return stack.nodes[1]


@pytest_asyncio.fixture
async def controller(stack: Stack) -> AsyncIterator[Client]:
    """A client of the controller."""
    async with Client(stack.controller.socket) as client:
        yield client


@pytest_asyncio.fixture
async def on_a(node_a: Node) -> AsyncIterator[Client]:
    """A client of node A's service."""
    async with Client(node_a.socket) as client:
        yield client


@pytest_asyncio.fixture
async def on_b(node_b: Node) -> AsyncIterator[Client]:
    """A client of node B's service."""
    async with Client(node_b.socket) as client:
        yield client

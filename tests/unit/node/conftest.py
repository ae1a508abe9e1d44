"""Volumes of a node that are looked at, without disks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from prometheus_client.registry import CollectorRegistry

from common import settings
from common.tasks import Tasks
from node import wiring
from node.host.command import Commands
from node.refusals import Refusals
from node.settings import NodeSettings
from node.volume_metrics import VolumeMetrics
from node.volume_watch import VolumeWatch
from tests.unit.node.watched import Asked, Bare, Disks, World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A node with its page of metrics."""
    chosen = settings.read(NodeSettings, [], "node", "tests", {"AIOCSI_STATE_DIR": str(tmp_path)})
    real, disks, tasks = wiring.unloaded_host(chosen, Commands()), Disks(), Tasks()
    real.state.load("boot")
    host = Bare(**{**vars(real), "sysfs": disks})
    asked, refused, registry = Asked(), Refusals(), CollectorRegistry()
    volumes = VolumeWatch(host, asked, asked, tasks)
    VolumeMetrics(registry).watch(volumes, disks, refused)
    yield World(host, disks, asked, refused, volumes, registry, tasks)
    await tasks.close()

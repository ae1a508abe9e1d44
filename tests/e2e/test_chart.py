"""The API server itself accepts what the chart renders."""

import asyncio

import pytest

from tests.e2e.cluster.workspace import Workspace
from tools.chart import SNAPSHOTS

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio]


@pytest.mark.parametrize("sample", ["default", "minimal"])
async def test_the_api_server_accepts_a_sample_to_the_last_field(workspace: Workspace, sample: str) -> None:
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    told = await asyncio.to_thread(
        workspace.kubectl, "apply", *options, f"--filename={SNAPSHOTS / sample}.yaml", seconds=60
    )
    assert "deployment.apps/aiocsi-controller" in told
    assert "daemonset.apps/aiocsi-node" in told

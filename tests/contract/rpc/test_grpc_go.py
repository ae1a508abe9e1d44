"""The driver is restarted while grpc-go, the library of kubelet and the sidecars, calls it (grpcgo/restart_test.go)."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.harness.slow import SOON_SECONDS, Service
from tools.processes.run import run

PROGRAM = Path(__file__).with_name("grpcgo")
GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
BUILD_SECONDS = 400  # the first run fetches and compiles the modules


@pytest.mark.skipif(GO is None, reason="needs go")
@pytest.mark.timeout(BUILD_SECONDS + 60)
@pytest.mark.asyncio
async def test_a_restart_loses_no_call_that_is_under_way_and_repeats_succeed(tmp_path: Path) -> None:
    assert GO is not None
    binary = tmp_path / "restart.test"
    run(GO, "test", "-mod=readonly", "-c", "-o", str(binary), ".", seconds=BUILD_SECONDS, cwd=PROGRAM)
    old, new = Service(tmp_path, "old"), Service(tmp_path, "new")
    try:
        await old.up()
        environment = {**os.environ, "CSI_SOCKET": str(old.socket)}
        client = asyncio.to_thread(run, str(binary), "-test.v", environment=environment)
        async with asyncio.TaskGroup() as tasks:
            played = tasks.create_task(client)
            await old.said("arrived", 30)
            old.signal(signal.SIGTERM)
            await old.said("stopping")
            await new.up()
            assert await old.ended(SOON_SECONDS) == 0
        await new.said("arrived", 30)
        assert await new.stop(SOON_SECONDS) == 0
    finally:
        old.kill()
        new.kill()
    assert "--- PASS: TestRestart" in played.result()

"""The official Go client, unchanged, against the embedded cloud: a Go program plays it (godo/life_test.go)."""

import os
import shutil
from pathlib import Path

import pytest

from tools.processes.run import run
from tools.services.localcloud import Process

PROGRAM = Path(__file__).with_name("godo")
GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
BUILD_SECONDS = 400  # the first run fetches and compiles the modules


@pytest.mark.skipif(GO is None, reason="needs go")
@pytest.mark.timeout(BUILD_SECONDS + 60)
def test_godo_plays_a_volumes_life_pages_and_errors(tmp_path: Path) -> None:
    assert GO is not None
    environment = {**os.environ, "GOFLAGS": "-mod=readonly"}
    with Process(tmp_path / "state", "--disks=none", "--action-latency=0.05", "--rate-hour=5000") as process:
        environment |= {
            "CLOUD_URL": process.ready.address,
            "CLOUD_TOKEN": process.ready.token,
            "CLOUD_DROPLET": str(process.ready.droplets[0].id),
        }
        argv = (GO, "test", "-count=1", "-v", "./...")
        printed = run(*argv, seconds=BUILD_SECONDS, cwd=PROGRAM, environment=environment)
    assert printed.count("--- PASS") == 6

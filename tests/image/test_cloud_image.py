"""The image of the embedded cloud: it serves by itself, without rights, and has nothing of the driver in it."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.image.conftest import USER, Unpacked
from tools.image.recipes import CLOUD
from tools.processes.program import Program
from tools.services.embedded_cloud import EmbeddedCloud

READY_SECONDS = 60

pytestmark = pytest.mark.timeout(180)  # the image is unpacked and compressed once


@pytest.mark.asyncio
async def test_it_serves_the_api_as_a_user_without_rights_and_ends_on_sigterm(
    cloud_image: Unpacked, tmp_path: Path
) -> None:
    argv = ["chroot", f"--userspec={USER}:{USER}", str(cloud_image.root), *CLOUD.command]
    argv[argv.index("0.0.0.0:8080")] = "127.0.0.1:0"
    cloud = Program("cloud", argv, os.environ, tmp_path / "log", tmp_path)
    cloud.start()
    try:
        await cloud.until(lambda: True if cloud.output().endswith("\n") else None, "ready line", READY_SECONDS)
        ready = json.loads(cloud.output())
        client = EmbeddedCloud(ready["address"], ready["token"], ())
        made = await client.send("POST", "/v2/volumes", {"name": "orders", "size_gigabytes": 1, "region": "nyc1"})
        assert isinstance(made, dict)
        assert [each["name"] for each in await client.volumes()] == ["orders"]
        assert await cloud.stop(READY_SECONDS) == 0, cloud.output()
    finally:
        await asyncio.to_thread(cloud.kill)


@pytest.mark.parametrize("program", ["sh", "mkfs.ext4", "mount", "cryptsetup", "aiocsi-node", "curl"])
def test_what_it_does_not_need_is_not_there(cloud_image: Unpacked, program: str) -> None:
    assert not cloud_image.installed(program)


def test_nothing_of_the_driver_is_in_it_and_its_size_is_held(cloud_image: Unpacked) -> None:
    names = {path.name for path in cloud_image.site.iterdir()}
    assert ("localcloud" in names, names & {"common", "controller", "node", "csi_proto"}) == (True, set())
    assert cloud_image.archive_bytes < CLOUD.largest_mb * 1e6

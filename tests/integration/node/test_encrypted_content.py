"""Whoever only reads a volume changes nothing of its header."""

import shutil

import pytest

from node.encryption.encrypted_content import Payload
from tests.integration.node.conftest import Bench
from tests.integration.node.headers import HEADER_BYTES, VOLUME, Disk

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="needs cryptsetup-bin"),
]


@pytest.mark.parametrize("may_write", [False, True])
async def test_a_reader_does_not_mark_new_content_as_in_use(bench: Bench, disk: Disk, *, may_write: bool) -> None:
    with disk.device() as device:
        await Payload(bench.host, device, is_new=True, may_write=may_write).hand_out(VOLUME, device)
    assert (disk.file.read_bytes()[:HEADER_BYTES] != disk.pristine) == may_write

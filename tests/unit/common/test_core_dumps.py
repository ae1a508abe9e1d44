"""A process that holds secrets leaves no core dump, and no other of its user may read its memory."""

import asyncio
import sys

import pytest

LOOK = """
import ctypes, resource, sys
from %s.__main__ import main
try:
    main(["--version"])
except SystemExit:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.asyncio
@pytest.mark.parametrize("package", ["controller", "node"])
async def test_it_is_the_first_thing_that_a_service_does(package: str) -> None:
    argv = [sys.executable, "-c", LOOK % package]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)  # noqa: TID251  # looked at
    output, _ = await process.communicate()
    assert output.decode().splitlines()[-1] == "(0, 0) 0"

"""A process that holds secrets leaves no core dump, and no other of its user may read its memory."""

import sys

import pytest

from tools.processes.run import run

LOOK = """
import ctypes, resource, sys
from %s.__main__ import main
try:
    main(["--version"])
except SystemExit:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.parametrize("package", ["controller", "node", "warden"])
def test_it_is_the_first_thing_that_a_service_does(package: str) -> None:
    assert run(sys.executable, "-c", LOOK % package).splitlines()[-1] == "(0, 0) 0"

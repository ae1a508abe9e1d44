"""A light process loads nothing that nobody asked for. Each test has its own Python: it changes the module table."""

import sys
from importlib.metadata import version

import pytest

from common import slim_imports
from tools.processes.run import run

NODE_NEEDS = (
    "import asyncio, hashlib, prometheus_client.metrics, common.server, common.health, common.logs, common.settings"
)
LOADED = "print(sorted(name for name in sys.modules if sys.modules[name] is not None))"


def python(*statements: str) -> str:
    return run(sys.executable, "-c", "\n".join(["import sys", "from common import slim_imports", *statements])).strip()


def test_unwanted_modules_are_absent_and_what_the_node_needs_works() -> None:
    loaded = python("slim_imports.shed()", NODE_NEEDS, LOADED)
    for unwanted in ("'pydantic'", "'ssl'", "'_hashlib'", "'_ssl'", "'http.server'", "'google.protobuf'", "'aiohttp'"):
        assert unwanted not in loaded
    assert "'prometheus_client.exposition'" not in loaded


NOBODY_NEEDS = {
    "bz2",
    "lzma",
    "importlib.metadata",
    "zipfile",
    "configparser",
    "difflib",
    "dateutil.tz",
    "google.rpc",
    "rich",
}


@pytest.mark.parametrize("service", ["controller", "node"])
def test_a_service_is_imported_without_what_only_others_need(service: str) -> None:
    asked = sorted(NOBODY_NEEDS)
    loaded = f"print([name for name in {asked} if sys.modules.get(name) is not None])"
    assert python(f"import {service}.__main__", loaded) == "[]"


def test_the_version_that_stands_in_for_betterproto2_is_the_one_installed() -> None:
    assert version("betterproto2") == slim_imports.BETTERPROTO2


def test_a_moment_in_the_json_form_of_a_message_is_read_without_time_zones() -> None:
    read = "print(Timestamp.from_json('\"2026-11-28T20:00:00Z\"').seconds)"
    assert python("slim_imports.shed()", "from csi_proto.google.protobuf import Timestamp", read) == "1795896000"


def test_hashes_are_the_same_without_openssl() -> None:
    light = python("slim_imports.shed()", "import hashlib", "print(hashlib.sha256(b'volume').hexdigest())")
    assert light == python("import hashlib", "print(hashlib.sha256(b'volume').hexdigest())")


def test_what_was_imported_before_is_named() -> None:
    said = python("import ssl", "try: slim_imports.shed()", "except RuntimeError as error: print(error)")
    assert said.startswith("imported before the process could be made light: ssl")


def test_a_package_that_was_imported_whole_stays_whole() -> None:
    assert python(
        "import prometheus_client as p", "slim_imports.skip_init('prometheus_client')", "print(p.generate_latest)"
    )


@pytest.mark.parametrize("package", ["no_such_package"])
def test_a_package_that_is_not_installed_is_no_error(package: str) -> None:
    python(f"slim_imports.skip_init('{package}')")

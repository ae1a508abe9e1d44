"""What the tree alone tells: which module acts for an RPC, and which file tests what decides or acts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walls.test_doors import DRIVER, ROOT, WITH_PLUGIN, sources

DECLARE = {
    *("__init__", "__main__", "api", "api_request", "base", "block_control", "cloud_errors", "codes", "context_keys"),
    *("lane_metrics", "lanes", "limits", "metrics", "records", "request_metrics", "settings", "shared", "wiring"),
}
"""Modules that declare, count or put together: what they hold is tested by what uses it."""

DECLARING_PACKAGES = {"common/clouds", "node/records"}
HELD_BY = {  # of what is asked as a whole, by a command or over HTTP: which test asks, where none has the module's name
    "unit/kubectl_aiocsi/test_adopt": ("kubectl_aiocsi/rules/cloud_volumes",),
    "unit/kubectl_aiocsi/test_doctor": ("kubectl_aiocsi/rules/checks", "kubectl_aiocsi/rules/finding"),
    "unit/kubectl_aiocsi/test_why": ("kubectl_aiocsi/reading", "kubectl_aiocsi/rules"),
    "unit/localcloud/test_actions": ("localcloud/clock", "localcloud/latency", "localcloud/tasks"),
    "unit/localcloud/test_droplets": ("localcloud/api/droplet_json", "localcloud/regions"),
    "unit/localcloud/test_faults": ("localcloud/faults", "localcloud/api/control"),
    "unit/localcloud/test_many_at_once": ("localcloud/cloud", "localcloud/state"),
    "unit/localcloud/test_middleware": ("localcloud/api", "localcloud/state/ledger"),
    "unit/localcloud/test_page": ("localcloud/page",),
    "unit/localcloud/test_volumes": ("localcloud/api_errors", "localcloud/disks/none", "localcloud/state/paging"),
    "unit/localcloud/guests/test_agent": ("localcloud/guests/guest_agent",),
    "unit/localcloud/guests/test_machine": ("localcloud/guests",),
    "unit/takeover/test_steps": ("takeover/cluster",),
    "integration/localcloud/test_volume_files": ("localcloud/disks/files", "localcloud/disks/throttle"),
}
PACKAGES = (*WITH_PLUGIN, "cloud", "digitalocean", "host", "localcloud", "pacing", "rules", "tests", "tools")
MODULE = re.compile(rf"`((?:{'|'.join(PACKAGES)})/[a-z0-9_/]+)")
ASKED = {"_parts", "_work"}  # a service's domain objects
ABOUT_THE_SERVICE = {"get_capabilities", "controller_get_capabilities", "node_get_capabilities"}


def of_its_name(path: Path) -> Iterator[Path]:
    """Yield where the tests of a module may be: without disks, on disks, in guests, or a contract."""
    name = f"test_{path.stem}.py"
    yield Path("tests/unit", path.parent, name)
    yield Path("tests/integration", path.parts[0], name)
    yield Path("tests/vm", path.parent.name, name)
    yield Path("tests/contract", path.parent.name, name)


def untested(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths if not any((ROOT / each).exists() for each in of_its_name(path))]


def test_what_decides_or_acts_has_a_test_file_of_its_name() -> None:
    found = [Path(path) for path, _ in sources(*DRIVER)]
    paths = [each for each in found if each.stem not in DECLARE and str(each.parent) not in DECLARING_PACKAGES]
    assert untested(paths) == []


@pytest.mark.parametrize("package", ["kubectl_aiocsi", "localcloud", "takeover"])
def test_what_is_asked_as_a_whole_has_a_test_of_its_name_or_one_that_is_said(package: str) -> None:
    held = {module: tests for tests, modules in HELD_BY.items() for module in modules}
    assert [tests for tests in HELD_BY if not (ROOT / "tests" / f"{tests}.py").exists()] == []
    named = {path.stem for path in ROOT.glob(f"tests/*/{package}/**/test_*.py")}
    found = [Path(path) for path, _ in sources(package)]
    paths = [each for each in found if each.stem not in DECLARE and f"test_{each.stem}" not in named]
    assert [str(path) for path in paths if not {str(path.with_suffix("")), str(path.parent)} & held.keys()] == []


def test_each_module_that_the_documents_name_is_there() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    named = {name for page in pages for name in MODULE.findall(page.read_text(encoding="utf-8"))}
    places = [ROOT / place for place in (".", "controller", "node")]
    found = {name for name in named if any(list(place.glob(f"{name}*")) for place in places)}
    assert (len(named) > 40, sorted(named - found)) == (True, [])


@pytest.mark.parametrize("package", ["controller", "node"])
def test_an_rpc_is_passed_on_to_the_module_that_acts_by_its_name(package: str) -> None:
    ((_, tree),) = sources(f"{package}/service.py")
    (service,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases)
    for method in service.body:
        if isinstance(method, ast.AsyncFunctionDef) and method.name not in ABOUT_THE_SERVICE:
            acting = {Path(package, f"{name}.py") for name in passed_on_to(method)}
            assert acting, method.name
            assert [str(each) for each in acting if not (ROOT / each).exists()] == [], method.name


def passed_on_to(method: ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield ``name`` of each ``self._parts.name``."""
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr in ASKED:
            yield node.attr

"""Plant one breach in each pure package, in each layer and at each door of a copy: the walls must notice each.

``python -m tests.walls``. What each contract forbids is said in pyproject.toml; here it is tried.
"""

import sys
from pathlib import Path

from tests.harness.planting import Change, main
from tests.walls.test_doors import PURE

PROGRAMS = Path(sys.executable).parent
LINT = (str(PROGRAMS / "lint-imports"), "--no-cache")
RUFF = (str(PROGRAMS / "ruff"), "check", "--no-cache", "--select", "TID251", "common", "controller", "node", "warden")
PYTEST = "-m pytest -q -x --noconftest -c /dev/null --rootdir . --import-mode=importlib -p no:cacheprovider"
DOORS = (sys.executable, *PYTEST.split(), "tests/walls/test_doors.py")


def imports(path: str, what: str) -> Change:
    """Let a module import what it may not."""
    return Change(path, "", f"\nimport {what}\n")


def module_of(place: str) -> str:
    """Return a module of a package, or the module itself."""
    return place if place.endswith(".py") else f"{place}/__init__.py"


MODULES = (
    "ctypes",
    "fcntl",
    "shutil",
    "tempfile",
    "signal",
    "concurrent.futures",
    "threading",
    "asyncio",
    "os",
    "time",
)
IMPURE = [imports(module_of(place), MODULES[number % len(MODULES)]) for number, place in enumerate(PURE)]

UPWARDS = [
    imports("controller/records.py", "controller.rules.pages"),
    imports("controller/rules/pages.py", "controller.sources"),
    imports("controller/sources.py", "controller.shared"),
    imports("controller/inventory.py", "controller.snapshots"),
    imports("controller/volumes.py", "controller.listing"),
    imports("controller/replies.py", "controller.wiring"),
    imports("controller/wiring.py", "controller.service"),
    imports("controller/service.py", "controller.__main__"),
    imports("controller/attachments.py", "controller.service"),
    imports("controller/cloud/traits.py", "controller.cloud.records"),
    imports("controller/cloud/records.py", "controller.cloud.base"),
    imports("controller/cloud/base.py", "controller.cloud.paging"),
    imports("controller/digitalocean/json_fields.py", "controller.digitalocean.models"),
    imports("controller/digitalocean/models.py", "controller.digitalocean.transport"),
    imports("controller/digitalocean/transport.py", "controller.digitalocean.http"),
    imports("controller/digitalocean/http.py", "controller.digitalocean.client"),
    imports("controller/actions.py", "controller.digitalocean.client"),
    imports("controller/running_actions.py", "controller.actions"),
    imports("warden/records.py", "warden.rules.taints"),
    imports("warden/rules/taints.py", "warden.api"),
    imports("warden/api.py", "warden.cache"),
    imports("warden/cache.py", "warden.view"),
    imports("warden/view.py", "warden.failover"),
    imports("warden/failover.py", "controller.records"),
    imports("node/records/kernel.py", "node.rules.identity"),
    imports("node/rules/identity.py", "node.host.sysfs"),
    imports("node/host/probe.py", "node.staging"),
    imports("node/node_info.py", "node.publishing"),
    imports("node/formatting.py", "node.encryption.unlocking"),
    imports("node/encryption/unlocking.py", "node.staging"),
    imports("node/staging.py", "node.publishing"),
    imports("node/publishing.py", "node.service"),
    imports("node/service.py", "node.wiring"),
    imports("node/host/inotify.py", "common.rpc"),
    imports("kubectl_aiocsi/records.py", "kubectl_aiocsi.rules.causes"),
    imports("kubectl_aiocsi/rules/chain.py", "kubectl_aiocsi.reading"),
    imports("kubectl_aiocsi/why.py", "httpx2"),
    imports("takeover/cluster.py", "controller.records"),
    imports("localcloud/clock.py", "localcloud.settings"),
    imports("localcloud/disks/loop.py", "localcloud.cloud"),
    imports("localcloud/volumes.py", "localcloud.api"),
    imports("localcloud/api/__init__.py", "localcloud.lifecycle"),
    Change("pyproject.toml", '  "paging",\n', ""),
]

AT_THE_DOORS = [
    Change("controller/cache.py", "", "\nimport asyncio\nasyncio.TaskGroup()\n"),
    Change("controller/cache.py", "", "\nimport asyncio\nasyncio.get_running_loop().create_task\n"),
    Change("node/stats.py", "", "\nimport asyncio\nasyncio.get_running_loop().subprocess_exec\n"),
    Change("node/stats.py", "", "\nimport asyncio\nasyncio.get_running_loop().run_in_executor\n"),
    Change("node/stats.py", "", "\nimport threading\nthreading.Thread\n"),
    Change("node/stats.py", "", "\nfrom threading import Thread as T\n"),
    Change("node/stats.py", "", "\nimport _thread\n"),
    Change("node/stats.py", "", "\nimport os\nos.posix_spawn\n"),
    Change("node/stats.py", "", "\nimport os\nos.fork\n"),
    Change("node/rules/identity.py", "", "\nopen('/dev/null')\n"),
    Change("node/rules/identity.py", "", "\nfrom pathlib import Path\n"),
    Change("node/stats.py", "", "\nclass Volume: ...\n"),
]

if __name__ == "__main__":
    sys.exit(
        main(IMPURE + UPWARDS, [LINT])  # one look is enough, and each takes a second
        or main(AT_THE_DOORS, [DOORS, RUFF])
    )

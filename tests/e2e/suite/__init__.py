"""Upstream's storage suite (k8s.io/kubernetes, test/e2e/storage/external) against the driver: what is run, and how."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.e2e.cluster import images
from tests.e2e.cluster.way import Way, kept
from tests.e2e.cluster.workspace import Workspace
from tools import go_programs
from tools.processes.run import run
from tools.venv import ROOT

HERE = Path(__file__).parent
REPORT = ROOT / "artifacts" / "e2e-suite"
JUNIT = "suite.xml"
PROCESSES = 4
SECONDS = 5400
EVERYTHING = "External.Storage"
FOCUS = "-focus="
SKIPPED = "skipped - "  # of a spec that was not chosen, ginkgo says nothing more than "skipped"
PROGRAMS = ("ginkgo", "e2e.test")
CLASS = """\
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: suite}
driverName: dobs.csi.digitalocean.com
parameters: {tags: suite}
"""


def prepare(workspace: Workspace) -> None:
    """Build the suite if need be, and make in the cluster what it wants there. Raises ToolFailed."""
    go_programs.build(*PROGRAMS)
    if kept(workspace) is Way.BUILT:
        images.check_suite(run(str(go_programs.path("e2e.test")), "--list-images").split())
    workspace.kubectl("apply", "--filename=-", stdin=CLASS.encode())


def command(workspace: Workspace, parts: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the command line of ginkgo and of the suite behind it. ``parts`` of names are run; none: everything.

    A focus among the options chooses among the specs of external drivers: the suite has thousands more.
    """
    REPORT.mkdir(parents=True, exist_ok=True)
    ginkgo = [str(go_programs.path("ginkgo")), f"-procs={PROCESSES}", "-no-color", "-timeout=90m"]
    ginkgo += [f"-output-dir={REPORT}", f"-junit-report={JUNIT}"]
    behind = [
        f"-kubeconfig={workspace.kubeconfig}",
        f"-kubectl-path={go_programs.path('kubectl')}",
        "-provider=skeleton",
    ]
    behind += [f"-storage.testdriver={HERE / 'testdriver.yaml'}", f"-report-dir={REPORT}", "-num-nodes=2"]
    skips = [f"-skip={pattern(part)}" for part in skipped()]
    wanted = [option.removeprefix(FOCUS) for option in options if option.startswith(FOCUS)]
    focus = [f"{FOCUS}{EVERYTHING}.*({one})" for one in wanted or map(pattern, parts)] or [f"{FOCUS}{EVERYTHING}"]
    others = [option for option in options if not option.startswith(FOCUS)]
    return [*ginkgo, *focus, *skips, *others, str(go_programs.path("e2e.test")), "--", *behind]


def ran() -> int:
    """Return how many specs the last run's report has that were not skipped."""
    cases = ET.parse(REPORT / JUNIT).getroot().iter("testcase")  # noqa: S314  # ginkgo wrote it
    return sum(case.get("name", "").startswith("[It]") and case.find("skipped") is None for case in cases)


def skipped_themselves() -> Counter[str]:
    """Return why specs of the last run skipped themselves, and how many did for that reason."""
    told = (case.get("message", "") for case in ET.parse(REPORT / JUNIT).getroot().iter("skipped"))  # noqa: S314
    return Counter(message.removeprefix(SKIPPED) for message in told if message.startswith(SKIPPED))


def unexpected(reasons: Iterable[str]) -> list[str]:
    """Return the reasons that skip_themselves.txt does not have."""
    known = [pattern(part) for part in skip_themselves()]
    return [reason for reason in reasons if not any(re.search(one, reason) for one in known)]


def pattern(part: str) -> str:
    """Return the regular expression of a part of a spec's name, where … is anything, and $ at the end is the end."""
    return re.sub(r"[^A-Za-z0-9…$]", ".", part).replace("…", ".*")


def skipped() -> list[str]:
    """Return the parts of names that are not run."""
    return _parts("skipped.txt")


def skip_themselves() -> list[str]:
    """Return parts of the reasons for which specs may skip themselves."""
    return _parts("skip_themselves.txt")


def third() -> list[str]:
    """Return the parts of names that are run when time is short."""
    return _lines("third.txt")


def _parts(file: str) -> list[str]:
    return [line.partition(" | ")[0] for line in _lines(file)]


def _lines(file: str) -> list[str]:
    return [line for line in (HERE / file).read_text().splitlines() if line and not line.startswith("#")]

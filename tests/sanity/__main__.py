"""Run csi-sanity against a controller, a node and an embedded cloud, each a process of its own, on loop disks.

Exit status: 0 no spec failed, 1 one did or the suite could not run, 2 something that it needs is missing.
"""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from tests.sanity import report
from tools import golang
from tools.processes.program import Program
from tools.processes.reaper import Reaper
from tools.services import stack
from tools.services.machine import missing_for_disks

SUITE = ("github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity", "v5.6.0")
SUITE_SECONDS = 900.0
VOLUME_BYTES = 1 << 30
EXPANDED_BYTES = 2 << 30
ACCESS_TYPES = ("mount", "block")
CLOUD_ARGUMENTS = ("--action-latency", "0.1", "--rate-minute", "0")  # the suite is about answers, not about patience
CONTROLLER_SETTINGS = {"AIOCSI_REQUESTS_PER_MINUTE": "100000"}


def main() -> int:
    """Return the exit status."""
    if missing := missing_for_disks(Path(gettempdir())):
        print(f"make sanity: {missing}", file=sys.stderr)
        return 2
    try:
        suite = golang.build(*SUITE)
    except golang.GoFailed as reason:
        print(f"make sanity needs csi-sanity: {reason}", file=sys.stderr)
        return 2
    return max(asyncio.run(_run(suite, access_type)) for access_type in ACCESS_TYPES)


async def _run(suite: Path, access_type: str) -> int:
    with TemporaryDirectory(prefix="aiocsi-sanity-") as name, Reaper(Path(name), remove=True):
        folder = Path(name)
        running = stack.running(folder, droplets=1, cloud_arguments=CLOUD_ARGUMENTS, controller=CONTROLLER_SETTINGS)
        async with running as services:
            program = _csi_sanity(suite, services, access_type)
            program.start()
            status = await program.ended(SUITE_SECONDS)
            try:
                outcome = report.read(services.folder / "report.json")
            except OSError:
                print(f"csi-sanity left no report, exit status {status}:\n{program.output()}", file=sys.stderr)
                return 1
        print(f"csi-sanity {SUITE[1]}, volumes accessed as {access_type}:")
        print("\n".join(outcome.lines()))
        return 0 if outcome.good and status == 0 else 1


def _csi_sanity(suite: Path, services: stack.Stack, access_type: str) -> Program:
    """Return the suite's process; the paths it stages and publishes at are below the node's folder."""
    node = services.nodes[0]
    paths = node.folder / "sanity"
    paths.mkdir()
    argv = [
        str(suite),
        f"--csi.controllerendpoint=unix://{services.controller.socket}",
        f"--csi.endpoint=unix://{node.socket}",
        f"--csi.stagingdir={paths / 'staging'}",
        f"--csi.mountdir={paths / 'target'}",
        f"--csi.testvolumesize={VOLUME_BYTES}",
        f"--csi.testvolumeexpandsize={EXPANDED_BYTES}",
        f"--csi.testvolumeaccesstype={access_type}",
        "--csi.testnodevolumeattachlimit=true",
        f"--ginkgo.json-report={services.folder / 'report.json'}",
        "--ginkgo.no-color",
        "--csi.testnodevolumeattachlimit",
    ]
    return Program("csi-sanity", argv, dict(os.environ), services.folder / "sanity.log", services.folder)


if __name__ == "__main__":
    sys.exit(main())

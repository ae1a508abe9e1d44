"""Run csi-sanity's parts on controller and identity on the second cloud in memory, without root.

The node is one that only tells its id and zone, as some of the controller's specs ask for; its own specs are left
out. The cloud is one of the tests (tests/fakes/other_cloud.py).
Exit status: as of tests.sanity.
"""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from common.identity import Identity, plugin_capabilities
from common.metrics import Metrics
from common.rpc import Calls
from common.server import GrpcServer
from common.tasks import Tasks
from controller import wiring
from controller.records import ControllerScope
from controller.service import Controller
from controller.shared import make_shared
from csi_proto.csi import v1 as csi
from tests.fakes.other_cloud import FACTS, TRAITS, ZONES, OtherCloud
from tests.sanity import report
from tests.sanity.__main__ import SUITE, SUITE_SECONDS
from tests.unit.controller.world import DRIVER, Calm
from tools import golang
from tools.processes.program import Program

SMALL, LARGE = 10 << 30, 20 << 30  # bytes
LEFT_OUT = "Node Service|SingleNodeWriter"


class TellingNode(csi.NodeBase):
    """A node that tells who it is, and does nothing else."""

    async def node_get_info(self, message: csi.NodeGetInfoRequest) -> csi.NodeGetInfoResponse:
        """Tell one of the cloud's servers."""
        del message
        return csi.NodeGetInfoResponse(
            node_id="101", accessible_topology=csi.Topology(segments={FACTS.zone_key: ZONES[0]})
        )

    async def node_get_capabilities(self, message: csi.NodeGetCapabilitiesRequest) -> csi.NodeGetCapabilitiesResponse:
        """Offer nothing."""
        del message
        return csi.NodeGetCapabilitiesResponse()

    async def node_unpublish_volume(self, message: csi.NodeUnpublishVolumeRequest) -> csi.NodeUnpublishVolumeResponse:
        """Nothing is published here: csi-sanity's clean-up asks all the same."""
        del message
        return csi.NodeUnpublishVolumeResponse()


def main() -> int:
    """Return the exit status."""
    try:
        suite = golang.build(*SUITE)
    except golang.GoFailed as reason:
        sys.stderr.write(f"csi-sanity is needed: {reason}\n")
        return 2
    with TemporaryDirectory(prefix="aiocsi-sanity-") as name:
        outcome = asyncio.run(_run(suite, Path(name)))
    sys.stdout.write("\n".join(("csi-sanity on the second cloud:", *outcome.lines(), "")))
    return 0 if outcome.good else 1


async def _run(suite: Path, folder: Path) -> report.Outcome:
    tasks = Tasks()
    parts = make_shared(OtherCloud(action_seconds=0.1, latency=0), tasks, Calm())
    scope = ControllerScope(DRIVER, ZONES[0], FACTS, TRAITS)
    controller = Controller(scope, wiring.make_domains(parts, scope, longest_page=250))
    identity = Identity(DRIVER, plugin_capabilities(snapshots=FACTS.snapshots), lambda: True)
    server = GrpcServer([identity, controller, TellingNode()], f"unix://{folder / 'csi.sock'}", Calls(Metrics()))
    await server.start()
    try:
        program = _csi_sanity(suite, folder)
        program.start()
        await program.ended(SUITE_SECONDS)
    finally:
        await server.drain(1.0)
        await tasks.close()
    return report.read(folder / "report.json")


def _csi_sanity(suite: Path, folder: Path) -> Program:
    argv = [
        str(suite),
        f"--csi.endpoint=unix://{folder / 'csi.sock'}",
        f"--csi.stagingdir={folder / 'staging'}",
        f"--csi.mountdir={folder / 'target'}",
        f"--csi.testvolumesize={SMALL}",
        f"--csi.testvolumeexpandsize={LARGE}",
        f"--ginkgo.json-report={folder / 'report.json'}",
        f"--ginkgo.skip={LEFT_OUT}",
        "--ginkgo.no-color",
    ]
    return Program("csi-sanity", argv, dict(os.environ), folder / "sanity.log", folder)


if __name__ == "__main__":
    sys.exit(main())

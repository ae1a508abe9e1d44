"""What both services of the stand-in have: who they are, how they serve, and what they say."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from grpclib._typing import IServable
from grpclib.server import Server
from grpclib.utils import graceful_exit

from csi_proto.csi import v1 as csi

DRIVER = "dobs.csi.digitalocean.com"
VOLUME_NAME = f"{DRIVER}/volume-name"
SOCKET = Path("/csi/csi.sock")


class Identity(csi.IdentityBase):
    async def get_plugin_info(self, message: csi.GetPluginInfoRequest) -> csi.GetPluginInfoResponse:  # noqa: ARG002
        return csi.GetPluginInfoResponse(name=DRIVER, vendor_version="stand-in")

    async def get_plugin_capabilities(
        self,
        message: csi.GetPluginCapabilitiesRequest,  # noqa: ARG002
    ) -> csi.GetPluginCapabilitiesResponse:
        kinds = csi.PluginCapabilityServiceType
        services = [kinds.CONTROLLER_SERVICE, kinds.VOLUME_ACCESSIBILITY_CONSTRAINTS]
        offered = [csi.PluginCapability(service=csi.PluginCapabilityService(type=kind)) for kind in services]
        online = csi.PluginCapabilityVolumeExpansion(type=csi.PluginCapabilityVolumeExpansionType.ONLINE)
        return csi.GetPluginCapabilitiesResponse(capabilities=[*offered, csi.PluginCapability(volume_expansion=online)])

    async def probe(self, message: csi.ProbeRequest) -> csi.ProbeResponse:  # noqa: ARG002
        return csi.ProbeResponse(ready=True)


def topology() -> csi.Topology:
    """Return where every volume and node is."""
    return csi.Topology(segments={"region": os.environ["REGION"]})


async def serve(services: Mapping[Path, IServable]) -> None:
    """Serve each at its socket until SIGTERM, and leave no socket behind."""
    servers = {path: Server([*([Identity()] if path == SOCKET else []), service]) for path, service in services.items()}
    with graceful_exit(list(servers.values())):
        for path, server in servers.items():
            path.unlink(missing_ok=True)
            await server.start(path=str(path))
        for server in servers.values():
            await server.wait_closed()
    for path in servers:
        path.unlink(missing_ok=True)


def say(text: str) -> None:
    """Write a line to the pod's log."""
    sys.stderr.write(f"{text}\n")

"""The Identity service, which both processes serve: who they are, what they offer, whether they are ready.

Source: CSI 1.13 "Identity Service RPC".
"""

from collections.abc import Callable, Sequence

from common import __version__
from csi_proto.csi import v1 as csi

Capability = csi.PluginCapabilityServiceType | csi.PluginCapabilityVolumeExpansionType


def plugin_capabilities(*, snapshots: bool) -> tuple[Capability, ...]:
    """Return what the driver offers as a whole on a cloud that has snapshots or not.

    Every process of it answers the same, whichever services it serves (CSI 1.13 "GetPluginCapabilities").
    """
    service = csi.PluginCapabilityServiceType
    return (
        service.CONTROLLER_SERVICE,
        service.VOLUME_ACCESSIBILITY_CONSTRAINTS,
        *((service.SNAPSHOT_ACCESSIBILITY_CONSTRAINTS,) if snapshots else ()),
        csi.PluginCapabilityVolumeExpansionType.ONLINE,
    )


class Identity(csi.IdentityBase):
    """Answers at once and from memory alone: kubelet restarts a plugin whose Probe is late."""

    def __init__(self, driver_name: str, capabilities: Sequence[Capability], ready: Callable[[], bool]) -> None:
        self._name = driver_name
        self._capabilities = [_capability(kind) for kind in capabilities]
        self._ready = ready

    async def get_plugin_info(self, message: csi.GetPluginInfoRequest) -> csi.GetPluginInfoResponse:  # noqa: ARG002  # empty
        """Tell the driver's name and version."""
        return csi.GetPluginInfoResponse(name=self._name, vendor_version=__version__)

    async def get_plugin_capabilities(
        self,
        message: csi.GetPluginCapabilitiesRequest,  # noqa: ARG002  # an empty message
    ) -> csi.GetPluginCapabilitiesResponse:
        """Tell which services and kinds of expansion the driver offers."""
        return csi.GetPluginCapabilitiesResponse(capabilities=self._capabilities)

    async def probe(self, message: csi.ProbeRequest) -> csi.ProbeResponse:  # noqa: ARG002  # an empty message
        """Tell whether the process is ready to work; false is no error."""
        return csi.ProbeResponse(ready=self._ready())


def _capability(kind: Capability) -> csi.PluginCapability:
    if isinstance(kind, csi.PluginCapabilityServiceType):
        return csi.PluginCapability(service=csi.PluginCapabilityService(type=kind))
    return csi.PluginCapability(volume_expansion=csi.PluginCapabilityVolumeExpansion(type=kind))

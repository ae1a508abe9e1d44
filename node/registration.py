"""Tell kubelet that this driver is here: the plugin registration socket, so that no registrar sidecar is needed.

kubelet watches a folder, connects to each socket that appears there, asks who it is, and says whether it took it. It
comes back to one that it refused, half a second later at first, two minutes later at last. Only a kubelet that does not
ask again is a reason to end, so that the process is started again. kubelet also unregisters the driver when the socket
file goes away; it is made again.

Sources: k8s.io/kubelet pluginregistration/v1; Kubernetes "Device and CSI plugin registration"; the reconciler in
pkg/kubelet/pluginmanager.
"""

import asyncio
from pathlib import Path

import structlog

from common import errors
from common.kept_socket import KeptSocket
from common.rpc import Calls
from common.server import GrpcServer
from common.tasks import Tasks
from csi_proto import pluginregistration as kubelet
from node.codes import Code

log = structlog.get_logger()

PLUGIN_TYPE = "CSIPlugin"
CSI_VERSIONS = ("1.0.0",)  # kubelet compares the major version alone
PATIENCE_SECONDS = 600.0  # five times kubelet's longest back-off


class RegistrationRefused(errors.NotFinal):
    """kubelet did not take the driver, and does not ask again; the process must end, and be started again."""

    default_code = Code.REGISTRATION


class Registration(kubelet.RegistrationBase):
    """What kubelet asks and says.

    ``endpoint`` is the CSI socket's path as kubelet sees it; ``patience_seconds`` is how long kubelet may be silent
    after it has refused the driver.
    """

    def __init__(self, driver_name: str, endpoint: Path, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.patience_seconds = patience_seconds
        self.driver_name = driver_name
        self.heard = asyncio.Event()  # kubelet has asked or said something
        self.refusal = ""  # why, in kubelet's words; empty: it has not refused, or took the driver since
        self._info = kubelet.PluginInfo(
            type=PLUGIN_TYPE, name=driver_name, endpoint=str(endpoint), supported_versions=list(CSI_VERSIONS)
        )

    async def get_info(self, message: kubelet.InfoRequest) -> kubelet.PluginInfo:  # noqa: ARG002  # an empty message
        """Say who this is, and where it serves CSI."""
        self.heard.set()
        return self._info

    async def notify_registration_status(
        self, message: kubelet.RegistrationStatus
    ) -> kubelet.RegistrationStatusResponse:
        """Learn whether kubelet took the driver."""
        if message.plugin_registered:
            log.info("registered", driver=self.driver_name)
            self.refusal = ""
        else:
            self.refusal = message.error or "without a reason"
            log.error(
                "registration_refused",
                driver=self.driver_name,
                message=self.refusal,
                remedy="kubelet tries again itself",
            )
        self.heard.set()
        return kubelet.RegistrationStatusResponse()


class RegistrationSocket(KeptSocket):
    """Serves ``Registration`` in kubelet's folder. One of the parts of ``server.run``."""

    def __init__(
        self,
        folder: Path,
        service: Registration,
        calls: Calls,
        tasks: Tasks,
        after: KeptSocket | None = None,
    ) -> None:
        """Give ``calls`` that no other server uses: they end before the driver's own do."""
        server = GrpcServer([service], str(folder / f"{service.driver_name}-reg.sock"), calls)
        super().__init__(server, tasks, after=after)
        self._service = service
        self._judge: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Appear in kubelet's folder. Raises EndpointError."""
        await super().start()
        self._judge = self._tasks.vital(self._wait_for_kubelet(), "registration")

    async def drain(self, grace_seconds: float) -> None:
        """Disappear; kubelet unregisters the driver until its successor appears."""
        if self._judge is not None:
            self._judge.cancel()
        await super().drain(grace_seconds)

    async def _wait_for_kubelet(self) -> None:
        """Return never. Raises RegistrationRefused if kubelet has refused the driver, and then says nothing more."""
        while True:
            self._service.heard.clear()
            try:
                async with asyncio.timeout(self._service.patience_seconds if self._service.refusal else None):
                    await self._service.heard.wait()
            except TimeoutError:
                raise RegistrationRefused(
                    f"kubelet refused to register the driver, and does not ask again: {self._service.refusal}"
                ) from None

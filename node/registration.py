"""Tell kubelet that this driver is here: the plugin registration socket, so that no registrar sidecar is needed.

kubelet watches a folder, connects to each socket that appears there, asks who it is, and says whether it took it. A
registration that kubelet refused is not repeated by kubelet, so the process ends and is started again. kubelet also
unregisters the driver when the socket file goes away; it is made anew.

Sources: k8s.io/kubelet pluginregistration/v1; Kubernetes "Device and CSI plugin registration".
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from common import errors
from common.rpc import Calls
from common.server import Server
from common.sockets import EndpointError
from common.tasks import Tasks
from csi_proto import pluginregistration as kubelet

log = structlog.get_logger()

PLUGIN_TYPE = "CSIPlugin"
CSI_VERSIONS = ("1.0.0",)  # kubelet compares the major version alone
LOOK_SECONDS = 10.0  # a stat of one path; kubelet itself looks no more often


class RegistrationRefused(errors.NotFinal):
    """kubelet did not take the driver; the process must end, and be started again."""


class Registration(kubelet.RegistrationBase):
    """What kubelet asks and says. ``endpoint`` is the CSI socket's path as kubelet sees it."""

    def __init__(self, driver_name: str, endpoint: Path) -> None:
        self.driver_name = driver_name
        self.refused = asyncio.Event()
        self.refusal = ""  # why, in kubelet's words
        self._info = kubelet.PluginInfo(
            type=PLUGIN_TYPE, name=driver_name, endpoint=str(endpoint), supported_versions=list(CSI_VERSIONS)
        )

    async def get_info(self, message: kubelet.InfoRequest) -> kubelet.PluginInfo:  # noqa: ARG002  # an empty message
        """Say who this is, and where it serves CSI."""
        return self._info

    async def notify_registration_status(
        self, message: kubelet.RegistrationStatus
    ) -> kubelet.RegistrationStatusResponse:
        """Learn whether kubelet took the driver."""
        if message.plugin_registered:
            log.info("registered", driver=self.driver_name)
        else:
            log.error("registration_refused", driver=self.driver_name, error=message.error)
            self.refusal = message.error
            self.refused.set()
        return kubelet.RegistrationStatusResponse()


class RegistrationSocket:
    """Serves ``Registration`` in kubelet's folder, and keeps the socket there. One of the parts of ``server.run``."""

    def __init__(
        self,
        folder: Path,
        service: Registration,
        calls: Calls,
        tasks: Tasks,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Give ``calls`` that no other server uses: they end before the driver's own do."""
        self._service = service
        self._server = Server([service], str(folder / f"{service.driver_name}-reg.sock"), calls)
        self._tasks = tasks
        self._look_seconds = look_seconds
        self._watch: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Appear in kubelet's folder. Raises EndpointError."""
        await self._server.start()
        self._watch = self._tasks.vital(self._keep_in_place(), "registration")

    async def drain(self, grace_seconds: float) -> None:
        """Disappear; kubelet unregisters the driver until its successor appears."""
        if self._watch is not None:
            self._watch.cancel()
        await self._server.drain(grace_seconds)

    async def _keep_in_place(self) -> None:
        while not self._service.refused.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._service.refused.wait()
            if not self._server.is_in_place():
                await self._make_anew()
        raise RegistrationRefused(f"kubelet refused to register the driver: {self._service.refusal}")

    async def _make_anew(self) -> None:
        log.warning("registration_socket_gone", socket=str(self._server.path))
        try:
            await self._server.rebind()
        except EndpointError as error:
            log.warning("registration_socket_not_made", error=str(error))  # the next look tries again

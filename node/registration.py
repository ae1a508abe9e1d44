"""Tell kubelet that this driver is here: the plugin registration socket, so that no registrar sidecar is needed.

kubelet watches a folder, connects to each socket that appears there, asks who it is, and says whether it took it. It
comes back to one that it refused, half a second later at first, two minutes later at last. Only a kubelet that does not
ask again is a reason to end, so that the process is started again. kubelet also unregisters the driver when the socket
file goes away; it is made again.

A rollout need not show: what kubelet watches is a link, and the socket beside it has a name with a dot, which kubelet
leaves alone. A successor serves that socket again and leaves the link as it is, so kubelet sees no change, and the
CSINode keeps the driver with its limit. Only what kubelet was told at the registration makes the link a new one.

Sources: k8s.io/kubelet pluginregistration/v1; Kubernetes "Device and CSI plugin registration"; the watcher and the
reconciler in pkg/kubelet/pluginmanager (1.37: os.Stat, so links are followed; names with a dot are skipped).
"""

import asyncio
import hashlib
from pathlib import Path

import structlog

from common import errors, sockets
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
STAMP_LETTERS = 6  # the name of the socket is shorter than that of the link then, as paths of sockets are bounded


class RegistrationRefused(errors.NotFinal):
    """kubelet did not take the driver, and does not ask again; the process must end, and be started again."""

    default_code = Code.REGISTRATION


class Registration(kubelet.RegistrationBase):
    """What kubelet asks and says.

    ``endpoint`` is the CSI socket's path as kubelet sees it; ``told`` is all else by which NodeGetInfo is answered;
    ``keep``: it outlives this process, since a successor is expected; ``patience_seconds`` is how long kubelet may be
    silent after it has refused the driver.
    """

    def __init__(
        self,
        driver_name: str,
        endpoint: Path,
        told: str = "",
        *,
        keep: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.patience_seconds = patience_seconds
        self.driver_name = driver_name
        self.keep = keep
        self.heard = asyncio.Event()  # kubelet has asked or said something
        self.refusal = ""  # why, in kubelet's words; empty: it has not refused, or took the driver since
        self._info = kubelet.PluginInfo(
            type=PLUGIN_TYPE, name=driver_name, endpoint=str(endpoint), supported_versions=list(CSI_VERSIONS)
        )
        registered = f"{endpoint} {CSI_VERSIONS} {told}"
        self.stamp = hashlib.sha256(registered.encode()).hexdigest()[:STAMP_LETTERS]

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


class LinkedServer(GrpcServer):
    """Serves a socket that kubelet does not look at, and keeps the link to it that kubelet does look at.

    A link that was there, to a socket that was there, is left alone: kubelet has registered the driver by it, or tries
    to. A link to nothing is made again, since kubelet has overlooked it.
    """

    def __init__(self, service: Registration, folder: Path, calls: Calls) -> None:
        self._link = folder / f"{service.driver_name}-reg.sock"
        super().__init__([service], str(folder / f".{service.driver_name}-{service.stamp}"), calls)
        self.leaves_socket = service.keep

    async def start(self) -> None:
        """Listen, and see that the link leads here. Raises EndpointError."""
        was_there = self.path.is_socket()
        await super().start()
        if was_there and self._is_linked():
            return
        try:
            self._unlink()
            sockets.clear(self._link)
            self._link.symlink_to(self.path.name)
        except OSError as error:
            raise sockets.EndpointError(
                f"cannot make the link {self._link}: {error}", remedy="check that its directory can be written"
            ) from error

    def is_in_place(self) -> bool:
        """Tell whether the link still leads here."""
        return super().is_in_place() and self._is_linked()

    async def drain(self, grace_seconds: float) -> None:
        """Take the link away, too, if the socket is not left to a successor."""
        if not self.leaves_socket and self._is_linked():
            self._unlink()
        await super().drain(grace_seconds)

    def _is_linked(self) -> bool:
        return self._target() == self.path

    def _target(self) -> Path | None:
        """Return where the link leads; None if it is no link."""
        try:
            return self._link.with_name(self._link.readlink().name)
        except OSError:
            return None

    def _unlink(self) -> None:
        """Remove the link, if it is one, and the socket that a predecessor has left under another name."""
        before = self._target()
        if before is None:
            return
        self._link.unlink(missing_ok=True)
        if before.name.startswith(".") and before != self.path:
            before.unlink(missing_ok=True)


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
        super().__init__(LinkedServer(service, folder, calls), tasks, after=after)
        self._service = service
        self._judge: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Appear in kubelet's folder. Raises EndpointError."""
        await super().start()
        self._judge = self._tasks.vital(self._wait_for_kubelet(), "registration")

    async def drain(self, grace_seconds: float) -> None:
        """Stop to answer; unless the socket is kept, kubelet unregisters the driver until its successor appears."""
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

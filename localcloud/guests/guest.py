"""One guest: booted, saved, restored, ended."""

import asyncio
import shlex
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from localcloud.guests.agent import Agent
from localcloud.guests.drives import Drives
from localcloud.guests.errors import GuestError
from localcloud.guests.machine import Image, Machine
from localcloud.guests.monitor import Monitor
from localcloud.guests.processes import Process, run

START_SECONDS = 30.0
BOOT_SECONDS = 180.0  # it takes 7 s on an idle machine
SAVE_SECONDS = 120.0
QUIT_SECONDS = 20.0
LOOK_SECONDS = 0.02


class Guest:
    """A guest with a folder of its own: its root's layer, its sockets, its logs.

    ``dies_with_us`` is for tests: QEMU ends with the process that has started it, however that ends.
    """

    def __init__(self, folder: Path, image: Image, machine: Machine, *, dies_with_us: bool = True) -> None:
        self.folder = folder
        self.machine = machine
        self.agent = Agent()
        self.monitor = Monitor()
        self.drives = Drives(self.monitor)
        self._image = image
        self._dies_with_us = dies_with_us
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        """Say whether it is switched on."""
        return self._process is not None and self._process.running

    async def boot(self) -> None:
        """Switch it on, and wait until it is up. Its root is as it was left, and new the first time."""
        await self.switch_on()
        await self.wait_until_up()

    async def switch_on(self) -> None:
        """Switch it on; the guest boots by itself."""
        root = self.folder / "root.qcow2"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not root.exists():
            base = ("-b", str(self._image.root), "-F", "raw")
            await run("qemu-img", "create", "-q", "-f", "qcow2", *base, str(root))
        await self._start()

    async def wait_until_up(self) -> None:
        """Wait until the guest's agent answers."""
        try:
            await self.agent.connect(self.folder / "agent", BOOT_SECONDS)
        except GuestError as error:
            raise GuestError(f"{self.folder.name} does not come up: {error}{self._last_words()}") from error

    async def save(self, state: Path) -> None:
        """Save the running guest as a folder that ``restore`` takes, and end it. No volume may be attached."""
        unfinished = state.with_name(f"new-{state.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        await self.monitor.execute("stop")  # first: a guest that has seen the agent's client go waits for it in vain
        await self._migrate("migrate", f"exec:cat > {shlex.quote(str(unfinished / 'memory'))}")
        await self.end()
        shutil.move(self.folder / "root.qcow2", unfinished / "root.qcow2")
        unfinished.rename(state)

    async def restore(self, state: Path) -> None:
        """Go on from a saved state, which stays as it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(state / "root.qcow2", self.folder / "root.qcow2")
        await self._start("-incoming", "defer")
        await self._migrate("migrate-incoming", f"exec:cat {shlex.quote(str(state / 'memory'))}")
        await self.monitor.execute("cont")
        await self.wait_until_up()

    async def use_driver(self) -> None:
        """Let the guest see the driver: programs aiocsi-node and aiocsi-controller, on its search path."""
        await self.agent.shell(
            "mountpoint -q /usr/local || { blockdev --flushbufs /dev/vdb; mount -o ro /dev/vdb /usr/local; }"
        )

    async def adopt(self) -> bool:
        """Take over the guest of this folder that an earlier process has left; return whether there is one."""
        pid = _pid(self.folder)
        if pid is None:
            return False
        try:
            self._process = Process(pid)
            await self.monitor.connect(self.folder / "qmp")
        except (ProcessLookupError, GuestError):
            await self.end()
            return False
        return True

    async def end(self) -> None:
        """Switch it off at once, as a power cut does, and let go of it; what is left is the folder."""
        await self.agent.close()
        if self._process is not None:
            if self._process.running:
                self._process.signal(signal.SIGCONT)
                try:
                    await self.monitor.execute("quit")
                    await self._process.ended(QUIT_SECONDS)
                except GuestError:
                    pass
            await self._process.end()
            self._process = None
        await self.monitor.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end()

    async def _start(self, *more: str) -> None:
        for name in ("qmp", "agent", "console", "pid"):
            (self.folder / name).unlink(missing_ok=True)
        argv, log = self.machine.argv(self._image), self.folder / "qemu.log"
        self._process = Process.start([*argv, *more], self.folder, log, dies_with_us=self._dies_with_us)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_connected():  # noqa: ASYNC110 (see below)
                    await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251 (QEMU does not tell when it listens)
        except (TimeoutError, GuestError) as error:
            await self.end()
            raise GuestError(f"QEMU does not start: {error}{self._last_words()}") from error

    async def _is_connected(self) -> bool:
        """Say whether the monitor is there by now; its socket is, a moment before anybody listens."""
        try:
            await self.monitor.connect(self.folder / "qmp")
        except GuestError:
            if not self.running:
                raise
            return False
        return True

    async def _migrate(self, command: str, uri: str) -> None:
        capability = {"capability": "events", "state": True}
        await self.monitor.send("migrate-set-capabilities", {"capabilities": [capability]})
        async with self.monitor.expect("MIGRATION", SAVE_SECONDS, status="completed"):
            await self.monitor.send(command, {"uri": uri})

    def _last_words(self) -> str:
        logs = [self.folder / name for name in ("qemu.log", "console.log")]
        words = [log.read_text(errors="replace").splitlines()[-10:] for log in logs if log.exists()]
        return "".join(f"\n  {line}" for lines in words for line in lines)


def _pid(folder: Path) -> int | None:
    """Return the process of the guest in ``folder``; None if it is not there, or its number has passed to another."""
    try:
        pid = int((folder / "pid").read_text())
        cwd = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError):
        return None
    return pid if cwd == folder.resolve() else None

"""A droplet for the node's tests: a guest in which the node service runs, and what kubelet and a pod do there."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from betterproto2 import Message
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from csi_proto.csi import v1 as csi
from localcloud.guests.agent import Agent
from localcloud.guests.guest import Guest
from tests.vm.node.volumes import Volume
from tools.csi.client import ROUTES, Client
from tools.guest import guests

CALL_SECONDS = 240.0  # a limit, not an expectation: everything is emulated
BACK_OFF_SECONDS = 0.3
WRITER = "/run/writer.py"
SETTINGS: Mapping[str, str] = {"command_seconds": "20", "format_seconds": "40", "device_wait_seconds": "20"}
NOT_FINAL = frozenset({Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED})


class Writer:
    """A pod's program that writes."""

    def __init__(self, agent: Agent, pid: int, log: str) -> None:
        self._agent = agent
        self._pid = pid
        self._log = log

    async def synced(self) -> int:
        """Return how many records are on the disk by the program's own word."""
        words = (await self._agent.read(self._log)).decode().split()
        return int(words[-1]) if words and words[-1].isdecimal() else 0

    async def until(self, count: int) -> None:
        """Wait until that many are synced. Raises TimeoutError."""
        async with asyncio.timeout(CALL_SECONDS):
            while await self.synced() < count:  # noqa: ASYNC110  # nobody tells when a program in a guest writes
                await asyncio.sleep(BACK_OFF_SECONDS)  # noqa: TID251  # the same

    async def more(self) -> None:
        """Wait until it has written something that it had not when this was called."""
        await self.until(await self.synced() + 1)

    async def ended(self) -> str:
        """Wait until it has ended by itself; return what it said."""
        wait = f"while kill -0 {self._pid}; do sleep 0.1; done 2>/dev/null"
        await self._agent.shell(wait, CALL_SECONDS)
        return (await self._agent.read(self._log)).decode()

    async def kill(self) -> int:
        """Kill it; return how many records it had synced."""
        await self._agent.shell(f"kill -KILL {self._pid} 2>/dev/null || true")
        await self.ended()
        return await self.synced()


class Droplet:
    """One guest and the client of its node service."""

    def __init__(self, guest: Guest, client: Client) -> None:
        self.guest = guest
        self.agent = guest.agent
        self.drives = guest.drives
        self._client = client
        self._writers = 0

    async def write(self, folder: str, count: int = -1) -> "Writer":
        """Let a pod write records into a folder, without end if ``count`` is not given."""
        self._writers += 1
        log = f"/run/writers/{self._writers}"
        pid = await self.agent.spawn("python3", "-I", "-S", WRITER, f"{folder}/records", str(count), log=log)
        return Writer(self.agent, pid, log)

    async def write_some(self, folder: str, count: int) -> int:
        """Check what is in the folder, write ``count`` records more; return how many were there before."""
        said = await self.agent.output(
            "python3", "-I", "-S", WRITER, f"{folder}/records", str(count), seconds=CALL_SECONDS
        )
        return int(said.split()[1])

    async def call(self, request: Message, *, seconds: float = CALL_SECONDS) -> Message:
        """Return the answer. Raises GRPCError."""
        return await self._client.call(request, ROUTES[type(request)].reply, seconds=seconds)

    async def refusal(self, request: Message, *, seconds: float = CALL_SECONDS) -> tuple[Status, str]:
        """Return code and message of the error that answers. Raises AssertionError if there is none."""
        return await self._client.refusal(request, seconds=seconds)

    async def outcome(self, request: Message, *, seconds: float = CALL_SECONDS) -> tuple[Status, str]:
        """Return code and message of the answer, be it a success; too late is an outcome, too."""
        try:
            await self.call(request, seconds=seconds)
        except GRPCError as error:
            return error.status, error.message or ""
        except TimeoutError:
            return Status.DEADLINE_EXCEEDED, ""
        except StreamTerminatedError as error:
            return Status.UNAVAILABLE, str(error)
        return Status.OK, ""

    async def until_done(self, request: Message, *, seconds: float = CALL_SECONDS) -> Message:
        """Call as a sidecar does: again after each answer that says that the outcome is open. Raises GRPCError."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await self.call(request)
                except GRPCError as error:
                    if error.status not in NOT_FINAL:
                        raise
                await asyncio.sleep(BACK_OFF_SECONDS)  # noqa: TID251  # the sidecar's back-off

    async def ills(self, volume: Volume) -> set[str]:
        """Return the reasons that health gives for what is wrong with a volume."""
        answer = await self.call(volume.health())
        assert isinstance(answer, csi.NodeGetVolumeHealthResponse)
        assert answer.volume_health is not None
        return {status.reason for status in answer.volume_health.health_statuses}

    async def until_ill(self, volume: Volume, reason: str, seconds: float = CALL_SECONDS) -> None:
        """Wait until health gives that reason: the guest hears of what becomes of a disk, and is not waited for."""
        async with asyncio.timeout(seconds):
            while reason not in await self.ills(volume):  # noqa: ASYNC110  # kubelet asks again, too
                await asyncio.sleep(BACK_OFF_SECONDS)  # noqa: TID251  # the same

    async def attach(self, volume: Volume) -> None:
        """Attach it; the node service waits for the device itself."""
        await self.drives.attach(volume.drive)

    async def up(self, volume: Volume) -> None:
        """Attach, stage, publish."""
        await self.attach(volume)
        await self.until_done(volume.stage())
        await self.until_done(volume.publish())

    async def down(self, volume: Volume) -> None:
        """Unpublish, unstage, detach."""
        await self.until_done(volume.unpublish())
        await self.until_done(volume.unstage())
        await self.drives.detach(volume.name)

    async def name_of_device_at(self, path: str) -> str:
        """Return the volume name that the device of the file system at ``path`` has in VPD page 0x83."""
        page = await self.agent.read(f"/sys/class/block/{await self.device_at(path)}/device/vpd_pg83")
        return page[8:].decode("ascii")

    async def device_at(self, path: str) -> str:
        """Return the kernel's name of the device of the file system at ``path``; nothing if none is mounted there."""
        table = (await self.agent.read("/proc/self/mountinfo")).decode()
        sources = [line.split(" - ")[1].split()[1] for line in table.splitlines() if line.split()[4] == path]
        return Path(sources[-1]).name if sources else ""

    async def mounts(self, volume: Volume) -> list[str]:
        """Return where the volume's file system is mounted."""
        device = f" {await self.agent.output('readlink', '-f', volume.link)}".rstrip()
        table = (await self.agent.read("/proc/self/mountinfo")).decode()
        return [line.split()[4] for line in table.splitlines() if f"{device} " in line]

    async def cut_power(self) -> None:
        """End the guest as if its host had lost its power: nothing that is under way comes to an end."""
        os.kill(int((self.guest.folder / "pid").read_text()), signal.SIGKILL)
        await self.guest.end()

    async def has_logged(self, event: str) -> bool:
        """Say whether the node service has logged an event of that name."""
        lines = (await self.agent.read(guests.NODE_LOG)).decode().splitlines()
        return any(f'"event": "{event}"' in line for line in lines)

    async def kill_node(self) -> None:
        """Kill the node service, and nothing that it has started."""
        pid = await self.node_pid()
        await self.agent.shell(f"kill -KILL {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done", CALL_SECONDS)
        await self.agent.shell(f"rm -f {guests.NODE_SOCKET}")

    async def start_node(self) -> None:
        """Start the node service again."""
        await guests.start_node(self.guest, self.guest.folder / "csi", **SETTINGS)

    async def node_pid(self) -> int:
        """Return the process id of the node service."""
        return int(await self.agent.output("pgrep", "--full", "--oldest", "aiocsi-node"))

"""localcloud with loop disks, one controller and a node per droplet, as real processes in one folder.

Each process has a folder of its own with its socket, its log and what it keeps; a node's folder also holds the paths
that kubelet would name.
"""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from urllib.parse import urlsplit

from tools.processes import traces
from tools.processes.program import Program, ProgramFailed
from tools.services.embedded_cloud import Droplet, EmbeddedCloud, Json, objects

ROOT = Path(__file__).parents[2]
DRIVER_NAME = "dobs.csi.digitalocean.com"
REGION = "nyc1"
LISTEN = "--listen"

START_SECONDS = 40.0  # limits, not expectations: the machine may be busy with something else
STOP_SECONDS = 40.0


class Service(Program):
    """A controller or node process, which serves CSI on a Unix socket."""

    def __init__(self, name: str, package: str, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.socket = folder / "csi.sock"
        environment = {
            "AIOCSI_ENDPOINT": f"unix://{self.socket}",
            "AIOCSI_DRIVER_NAME": DRIVER_NAME,
            "AIOCSI_LOG_LEVEL": "debug",
            "AIOCSI_LOG_FORMAT": "json",
            **settings,
        }
        super().__init__(name, _python(package), _environment(folder, environment), folder / "log", ROOT)

    async def up(self) -> None:
        """Start it, and wait until its socket answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        await self.until(lambda: _listens(self.socket), "listening socket", START_SECONDS)

    async def down(self) -> int:
        """Stop it; return its exit status."""
        return await self.stop(STOP_SECONDS)


class Node(Service):
    """The node service of one droplet."""

    def __init__(self, name: str, folder: Path, droplet: Droplet, settings: Mapping[str, str]) -> None:
        self.droplet_id = droplet.id
        self.device_dir = droplet.device_dir
        self.registration_dir = folder / "registry"
        known = {
            "AIOCSI_DEVICE_DIR": str(droplet.device_dir),
            "AIOCSI_KUBELET_DIR": str(folder),
            "AIOCSI_METADATA_URL": droplet.metadata_url,
            "AIOCSI_REGISTRATION_DIR": str(self.registration_dir),
            "AIOCSI_STATE_DIR": str(folder / "state"),
        }
        super().__init__(name, "node", folder, {**known, **settings})

    async def up(self) -> None:
        """Start it, and wait until both of its sockets answer: the one for kubelet's registration comes last."""
        await super().up()
        socket = self.registration_dir / f"{DRIVER_NAME}-reg.sock"
        await self.until(lambda: _listens(socket), "registration socket", START_SECONDS)


class LocalCloud(Program):
    """The embedded cloud's process. Its port stays the same when it is started again."""

    def __init__(self, folder: Path, droplets: int, arguments: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        argv = [*_python("localcloud"), LISTEN, "127.0.0.1:0", "--state", str(self.state_dir), "--disks", "loop"]
        argv += ["--droplets", str(droplets), *arguments]
        super().__init__("localcloud", argv, _environment(folder, {}), folder / "log", ROOT)

    async def up(self) -> EmbeddedCloud:
        """Start it, wait for its ready line, and return how to reach it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        since = self.log_size
        self.start()
        cloud = await self.until(lambda: _ready_line(self.output(since)), "ready line", START_SECONDS)
        self._argv[self._argv.index(LISTEN) + 1] = urlsplit(cloud.url).netloc
        return cloud

    async def down(self) -> int:
        """Stop it; return its exit status."""
        return await self.stop(STOP_SECONDS)


@dataclass(frozen=True)
class State:
    """What the services have made of the world at one moment."""

    volumes: list[dict[str, Json]]
    effects: int
    mounts: list[str]
    paths: list[Path]


@dataclass(frozen=True)
class Stack:
    """Everything a volume's life needs, up and answering."""

    folder: Path
    localcloud: LocalCloud
    cloud: EmbeddedCloud
    controller: Service
    nodes: tuple[Node, ...]

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs in the order in which they are stopped."""
        return (*self.nodes, self.controller, self.localcloud)

    async def state(self) -> State:
        """Return all that a call may change: volumes and effects in the cloud, mounts and files on the nodes."""
        effects = objects(await self.cloud.get("/_localcloud/ledger/effects"), "effects")
        folders = [node.folder / kind for node in self.nodes for kind in ("staging", "pods")]
        return State(
            volumes=await self.cloud.volumes(),
            effects=len(effects),
            mounts=[mount.line for mount in traces.mounts(self.folder)],
            paths=sorted(path for folder in folders for path in folder.rglob("*")),
        )

    async def stop(self) -> None:
        """Stop everything in order. Raises ProgramFailed if a program does not end by itself with status 0."""
        statuses = {program.name: await program.stop(STOP_SECONDS) for program in self.programs if program.running}
        if failed := {name: status for name, status in statuses.items() if status != 0}:
            raise ProgramFailed(f"exit status after SIGTERM is not 0: {failed}")


@asynccontextmanager
async def running(
    folder: Path,
    *,
    droplets: int = 2,
    cloud_arguments: tuple[str, ...] = (),
    controller: Mapping[str, str] | None = None,
    node: Mapping[str, str] | None = None,
) -> AsyncIterator[Stack]:
    """Start a stack in ``folder``; on the way out stop it, however the block ended, and leave nothing but files.

    ``controller`` and ``node`` are further settings of those services.
    """
    folder = folder.resolve()  # noqa: ASYNC240 - a temporary folder, before anything is served
    with ExitStack() as ending:
        ending.callback(_clear, folder)
        localcloud = LocalCloud(folder / "cloud", droplets, cloud_arguments)
        stack = await _start(ending, localcloud, controller or {}, node or {})
        yield stack
        await stack.stop()


async def _start(
    ending: ExitStack, localcloud: LocalCloud, controller_settings: Mapping[str, str], node_settings: Mapping[str, str]
) -> Stack:
    folder = localcloud.folder.parent
    ending.callback(localcloud.kill)
    cloud = await localcloud.up()
    controller = _controller(folder / "controller", cloud, controller_settings)
    names = [f"node-{letter}" for letter in ascii_lowercase]
    nodes = [Node(name, folder / name, each, node_settings) for name, each in zip(names, cloud.droplets, strict=False)]
    for service in (controller, *nodes):
        ending.callback(service.kill)
    await asyncio.gather(*(service.up() for service in (controller, *nodes)))
    return Stack(folder, localcloud, cloud, controller, tuple(nodes))


def _controller(folder: Path, cloud: EmbeddedCloud, settings: Mapping[str, str]) -> Service:
    folder.mkdir(parents=True)
    token_file = folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(f"{cloud.token}\n")
    known = {"AIOCSI_API_URL": cloud.url, "AIOCSI_TOKEN_FILE": str(token_file), "AIOCSI_REGION": REGION}
    return Service("controller", "controller", folder, {**known, **settings})


def _clear(folder: Path) -> None:
    traces.clean(folder)
    shutil.rmtree(folder / "cloud" / "state", ignore_errors=True)


def _python(package: str) -> list[str]:
    return [sys.executable, "-m", package]


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings and what a program needs of ours; settings that this shell happens to have stay out."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, traces.MARK: str(folder), **settings}


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ready_line(output: str) -> EmbeddedCloud | None:
    for line in output.splitlines(keepends=True):
        if line.startswith('{"ready"') and line.endswith("\n"):
            return EmbeddedCloud.parse(line)
    return None


def _listens(path: Path) -> bool | None:
    """Tell whether another process answers on the socket; None for not yet."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
    return True

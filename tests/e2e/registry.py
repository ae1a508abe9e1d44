"""A registry on the host that has the driver's image and asks who pulls; the nodes know it by a name that is nobody's.

crane serves it, takes the image in and judges it. containerd reads the name's hosts.toml at each pull.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession, web

from tests.e2e.cluster import nodes
from tests.e2e.cluster.workspace import NODES, Workspace
from tools import go_programs
from tools.processes import traces
from tools.processes.program import Program
from tools.processes.run import run
from tools.venv import ROOT

NAME = "registry.test"
LOGIN = "puller:not-for-everybody"
TOKEN = base64.b64encode(LOGIN.encode()).decode()
AUTHORIZATION = f"Basic {TOKEN}"
REPOSITORY = "aiocsi"
FOLDER = f"/etc/containerd/certs.d/{NAME}"
TOLD = ("Content-Type", "Content-Length", "Docker-Content-Digest")
START_SECONDS = 30.0
PUSH_SECONDS = 180.0


@dataclass(frozen=True)
class Registry:
    """A registry with one image. ``address`` is crane's, which asks nobody; the nodes are sent to a gate before it."""

    address: str
    pulls: set[tuple[str, str]] = field(default_factory=set)
    """Who was let in, and for which path."""

    @property
    def image(self) -> str:
        """The image, as crane finds it."""
        return f"{self.address}/{REPOSITORY}:latest"

    async def crane(self, *words: str) -> str:
        """Let crane do something with the image; return what it printed. Raises ToolFailed."""
        return await asyncio.to_thread(run, str(go_programs.path("crane")), *words, self.image, seconds=PUSH_SECONDS)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of a node: as the registry does, if the node has the login."""
        if request.headers.get("Authorization") != AUTHORIZATION:
            return web.Response(status=401, headers={"WWW-Authenticate": f'Basic realm="{NAME}"'})
        self.pulls.add((str(request.remote), request.path))
        url = f"http://{self.address}{request.path_qs}"
        async with ClientSession() as session, session.request(request.method, url) as answer:
            told = {name: answer.headers[name] for name in TOLD if name in answer.headers}
            response = web.StreamResponse(status=answer.status, headers=told)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response


def login() -> str:
    """Return what a Secret of the type kubernetes.io/dockerconfigjson has."""
    return json.dumps({"auths": {NAME: {"auth": TOKEN}}})


@asynccontextmanager
async def serving(workspace: Workspace, archive: Path, folder: Path) -> AsyncIterator[Registry]:
    """Serve an image, which is a docker-archive, to the nodes.

    It gets a label more, and so another id: kubelet wants the login for whatever was pulled with it, by whichever name,
    and would not start the image any more that the nodes were given.
    """
    go_programs.build("crane")
    crane = str(go_programs.path("crane"))
    argv = [crane, "registry", "serve", "--address=127.0.0.1:0", f"--disk={folder}"]
    program = Program("crane", argv, {traces.MARK: str(folder)}, folder / "log", ROOT)
    program.start()
    try:
        port = await program.until(lambda: re.search(r"port (\d+)", program.output()), "port", START_SECONDS)
        registry = Registry(f"127.0.0.1:{port[1]}")
        await registry.crane("push", str(archive))
        await registry.crane("mutate", "--label=pulled=yes", f"--tag={registry.image}")
        async with _gate(registry, await asyncio.to_thread(nodes.gateway, workspace)) as gate:
            await asyncio.to_thread(_send_nodes_to, workspace, gate)
            try:
                yield registry
            finally:
                await asyncio.to_thread(_forget, workspace)
    finally:
        program.kill()


@asynccontextmanager
async def _gate(registry: Registry, host: str) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/v2/{path:.*}", registry.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _send_nodes_to(workspace: Workspace, url: str) -> None:
    written = f"mkdir -p {FOLDER} && cat > {FOLDER}/hosts.toml"
    for node in NODES:
        workspace.docker("exec", "--interactive", node, "sh", "-c", written, stdin=f'server = "{url}"\n'.encode())


def _forget(workspace: Workspace) -> None:
    for node in NODES:
        workspace.docker("exec", node, "rm", "-r", FOLDER)

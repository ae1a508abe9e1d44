"""A saved guest in which the node service already runs: to start it anew takes an emulated machine some seconds."""

import asyncio
import fcntl
import hashlib
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from localcloud.guests.guest import Guest
from localcloud.guests.machine import Image, Machine
from tests.vm.node import droplet
from tests.vm.node.droplet import Droplet
from tools.csi.client import Client
from tools.guest import IMAGES, guests

KEPT = 8  # states of earlier trees, the newest
WRITER = Path(__file__).with_name("writer.py")
SOURCES = (WRITER, Path(__file__), Path(guests.__file__))  # of what is in a state, beside the driver


@asynccontextmanager
async def restored(
    folder: Path, image: Path, machine: Machine, settings: Mapping[str, str] = droplet.SETTINGS
) -> AsyncIterator[Guest]:
    """Give a guest in which the node service runs already."""
    async with Guest(folder, Image(image), machine) as guest:
        await guest.restore(await _with_node(image, machine, settings))
        yield guest


async def _with_node(image: Path, machine: Machine, settings: Mapping[str, str]) -> Path:
    """Return the state of such a guest, saved the first time that this tree's driver is met."""
    base = await guests.saved_state(image, machine)
    parts = (base.name, machine.driver, sorted(settings.items()), *(file.read_bytes() for file in SOURCES))
    state = IMAGES / f"node-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
    with (IMAGES / "node.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not state.exists():
            await _save(state, base, image, machine, settings)
            _forget_old()
        state.touch()
    return state


async def _save(state: Path, base: Path, image: Path, machine: Machine, settings: Mapping[str, str]) -> None:
    folder = IMAGES / f"starting-{state.name}"
    shutil.rmtree(folder, ignore_errors=True)
    async with Guest(folder, Image(image), machine) as guest:
        await guest.restore(base)
        await guest.use_driver()
        await guests.start_node(guest, folder / "csi", **settings)
        await guest.agent.write(droplet.WRITER, WRITER.read_bytes())
        await guest.save(state)
    shutil.rmtree(folder)


def _forget_old() -> None:
    states = sorted(IMAGES.glob("node-*"), key=lambda path: path.stat().st_mtime)
    for state in states[:-KEPT]:
        shutil.rmtree(state)


@asynccontextmanager
async def connected(guest: Guest) -> AsyncIterator[Droplet]:
    """Give a restored guest as a droplet."""
    socket = guest.folder / "csi"
    await guest.agent.forward(guests.NODE_SOCKET, socket)
    async with Client(socket) as client:
        yield Droplet(guest, client)

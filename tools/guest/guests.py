"""Guests for tests: what they need of the machine, and a saved state from which each test starts.

A test takes the fixture ``make_guest`` of tests/vm, which gives restored guests and ends them.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from localcloud.guests.guest import BOOT_SECONDS, Guest
from localcloud.guests.machine import PROGRAM, Image, Machine
from tools.guest import IMAGES
from tools.processes.run import run

NODE_SOCKET = "/run/csi/csi.sock"
NODE_LOG = "/run/csi/log"
START_SECONDS = 120.0
PREPARED = (  # what a test may need is in a saved state's memory: to load it takes an emulated machine seconds
    "modprobe -a btrfs xfs dm-crypt; python3 -c 'import asyncio, argparse, json, logging, ssl, subprocess'"
)
_PROGRAMS = (PROGRAM, "qemu-img", "mmdebstrap", "cpio", "mke2fs", "setpriv")


def missing() -> str:
    """Say what this machine lacks for guests, and what to do; empty if it lacks nothing."""
    if os.geteuid() != 0:
        return "needs root, to make the guest image by mmdebstrap"
    if lacking := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return (
            f"needs programs that are not installed: {', '.join(lacking)}; make droplets says which packages have them"
        )
    return ""


async def saved_state(image: Path, machine: Machine) -> Path:
    """Return the state of such a machine just after its boot, saved the first time."""
    version = await asyncio.to_thread(run, PROGRAM, "--version")
    argv = replace(machine, driver=None, metadata=None).argv(Image(image))
    key = hashlib.sha256(repr((version, argv, PREPARED)).encode()).hexdigest()[:12]
    state = IMAGES / f"state-{key}"
    with (IMAGES / f"state-{key}.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not state.exists():
            folder = IMAGES / f"booting-{key}"
            shutil.rmtree(folder, ignore_errors=True)
            async with Guest(folder, Image(image), replace(machine, driver=None)) as guest:
                await guest.boot()
                await guest.agent.shell(PREPARED, BOOT_SECONDS)
                await guest.save(state)
            shutil.rmtree(folder)
    return state


@asynccontextmanager
async def restored(folder: Path, image: Path, machine: Machine) -> AsyncIterator[Guest]:
    """Give a guest that has just come up, with the driver in it."""
    async with Guest(folder, Image(image), machine) as guest:
        await guest.restore(await saved_state(image, machine))
        if machine.driver is not None:
            await guest.use_driver()
        yield guest


async def start_node(guest: Guest, socket: Path, **settings: str) -> int:
    """Start the node service in a guest; ``socket`` leads to its CSI socket. Return its process id, once it serves.

    ``settings`` are variables without AIOCSI_ before them, in small letters.
    """
    given = {"node_id": "410000001", "region": "nyc1", "endpoint": f"unix://{NODE_SOCKET}", "log_level": "debug"}
    environment = {f"AIOCSI_{name.upper()}": value for name, value in (given | settings).items()}
    pid = await guest.agent.spawn("aiocsi-node", log=NODE_LOG, environment=environment)
    await guest.agent.shell(
        f"until [ -S {NODE_SOCKET} ]; do kill -0 {pid} || {{ cat {NODE_LOG}; exit 1; }}; sleep 0.1; done", START_SECONDS
    )
    await guest.agent.forward(NODE_SOCKET, socket)
    return pid

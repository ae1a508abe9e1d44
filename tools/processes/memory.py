"""How large an idle service is, and what it has loaded: asked of a real process, with metrics and registration on."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.processes.program import Program

ROOT = Path(__file__).parents[2]
SECONDS = 30.0

TELLS_WHAT_IT_LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps({"loaded": [n for n, m in sys.modules.items() if m is not None]})))
from %s.__main__ import main
sys.exit(main([]))
"""


@dataclass(frozen=True)
class Idle:
    """A service that has nothing to do."""

    resident_mib: float
    loaded: frozenset[str]


async def idle_node(folder: Path) -> Idle:
    """Return the size of a node with everything on that a chart can turn on."""
    settings = {
        "AIOCSI_STATE_DIR": f"{folder}/state",
        "AIOCSI_REGISTRATION_DIR": f"{folder}/registry",
        "AIOCSI_NODE_ID": "1",
    }
    return await _idle("node", folder, settings, sockets=2)


async def idle_controller(folder: Path) -> Idle:
    """Return the size of a controller whose cloud does not answer."""
    settings = {"AIOCSI_API_URL": "http://127.0.0.1:9/", "AIOCSI_TOKEN": "dop_v1_none"}
    return await _idle("controller", folder, settings, sockets=1)


async def _idle(package: str, folder: Path, settings: Mapping[str, str], sockets: int) -> Idle:
    common = {
        "AIOCSI_ENDPOINT": f"unix://{folder}/csi.sock",
        "AIOCSI_REGION": "nyc1",
        "AIOCSI_HTTP_ADDR": "127.0.0.1:0",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIOCSI_", "PYTHON"))}
    argv = [sys.executable, "-c", TELLS_WHAT_IT_LOADED % package]
    program = Program(package, argv, {**environment, **common, **settings}, folder / "log", ROOT)
    program.start()
    try:
        await program.until(lambda: program.output().count('"serving"') == sockets or None, "sockets", SECONDS)
        resident = resident_mib(program.pid)
        program.signal(signal.SIGTERM)
        status = await program.ended(SECONDS)
    finally:
        program.kill()
    assert status == 0, program.output()
    (loaded,) = [line for line in program.output().splitlines() if line.startswith('{"loaded"')]
    return Idle(resident, frozenset(json.loads(loaded)["loaded"]))


def resident_mib(pid: int) -> float:
    """Return VmRSS of proc_pid_status(5), MiB."""
    return _status_mib(pid, "VmRSS:")


def peak_mib(pid: int) -> float:
    """Return VmHWM of proc_pid_status(5), the most that was resident, MiB."""
    return _status_mib(pid, "VmHWM:")


def address_space_mib(pid: int) -> float:
    """Return VmSize of proc_pid_status(5), MiB."""
    return _status_mib(pid, "VmSize:")


def cpu_seconds(pid: int) -> float:
    """Return how long the process has computed (utime and stime of proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status_mib(pid: int, key: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kib,) = [line.split()[1] for line in lines if line.startswith(key)]
    return int(kib) / 1024

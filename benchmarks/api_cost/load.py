"""Memory, and the longest time the event loop was held up, with 10,000 volumes known and 500 calls in flight."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from grpclib.exceptions import GRPCError

from benchmarks.api_cost.lists import fill, list_all
from benchmarks.api_cost.stand import WRITER, Stand, standing
from csi_proto.csi import v1 as csi

CALLS = 500
IDLE_TARGET_MIB, BUSY_TARGET_MIB = 64.0, 96.0
BLOCKED_TARGET_SECONDS = 0.050
CALL_SECONDS = 20.0
WATCHED = "benchmarks.api_cost.watched"


async def run() -> bool:
    """Measure; return whether the targets are met."""
    with TemporaryDirectory(prefix="aiocsi-cost-") as name:
        folder = Path(name) / "state"
        await fill(folder)
        async with standing(2, folder=folder, program=WATCHED) as stand:
            idle = _resident_mib(stand)
            volumes = await list_all(stand)
            lists = [list_all(stand) for _ in range(3)]
            calls = [_attach(stand, volume_id) for volume_id in list(volumes)[:CALLS]]
            work = asyncio.gather(*calls, *lists)
            peak = idle
            while not work.done():
                peak = max(peak, _resident_mib(stand))
                await asyncio.wait([work], timeout=0.2)
            await work
            await stand.controller.down()
            blocked = _longest(stand.controller.log)
    ok = idle <= IDLE_TARGET_MIB and peak <= BUSY_TARGET_MIB and blocked <= BLOCKED_TARGET_SECONDS
    print(
        f"controller: {idle:.1f} MiB idle (target {IDLE_TARGET_MIB:.0f}); {len(volumes)} volumes, {CALLS} calls in"
        f" flight {peak:.1f} MiB (target {BUSY_TARGET_MIB:.0f}), event loop held up {blocked * 1000:.0f} ms at most"
        f" (target {BLOCKED_TARGET_SECONDS * 1000:.0f}; processor time of one callback)   {'ok' if ok else 'MISSED'}",
        flush=True,
    )
    return ok


async def _attach(stand: Stand, volume_id: str) -> None:
    """Ask once; most answers are that the time did not suffice."""
    wanted = csi.ControllerPublishVolumeRequest(
        volume_id=volume_id, node_id=str(stand.droplets[0]), volume_capability=WRITER
    )
    try:
        await stand.client.call(wanted, csi.ControllerPublishVolumeResponse, seconds=CALL_SECONDS)
    except GRPCError:
        return


def _resident_mib(stand: Stand) -> float:
    pages = int(Path(f"/proc/{stand.controller.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / (1 << 20)


def _longest(log: Path) -> float:
    """Read what the watched controller has written at its end."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith('{"longest_callback')]
    told = json.loads(lines[-1])
    print(f"  longest callback: {told['callback']}; longest garbage collection: {told['collection'] * 1000:.0f} ms")
    return float(told["longest_callback_seconds"])

"""Whether a server's memory stays flat over many calls on connections that never close. Needs no root.

Against: its own size after the first calls; h2 alone grows by 150 bytes a call, up to 10 MiB for each connection.
``python -m benchmarks.long_life [CALLS]``. The client is gRPC's C core; one call in five is malformed.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # its stubs are a package of their own
import grpc.aio  # type: ignore[import-untyped]  # same

from csi_proto.csi import v1 as csi
from tests.harness.slow import SOON_SECONDS, Service
from tools.processes.memory import resident_mib

CALLS = 48_000
AT_ONCE = 16
STEPS = 12
PATH = "/csi.v1.Controller/ValidateVolumeCapabilities"  # which the slow service does not offer: nothing is kept
GOOD, BAD = bytes(csi.ValidateVolumeCapabilitiesRequest(volume_id="v", secrets={"key": "secret"})), b"\x08\x01"
EXPECTED = {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT}


async def measure(calls: int) -> None:
    """Print the size and the rate after each twelfth of the calls."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        try:
            await service.up()
            async with grpc.aio.insecure_channel(f"unix://{service.socket}") as channel:
                for step in range(1, STEPS + 1):
                    started = time.monotonic()
                    await asyncio.gather(*(_call(channel, calls // STEPS // AT_ONCE) for _ in range(AT_ONCE)))
                    rate = calls / STEPS / (time.monotonic() - started)
                    print(f"{calls * step // STEPS:7d} calls {resident_mib(service.pid):6.1f} MiB {rate:6.0f} calls/s")
            await service.stop(SOON_SECONDS)
        finally:
            service.kill()


async def _call(channel: grpc.aio.Channel, times: int) -> None:
    method = channel.unary_unary(PATH)
    for number in range(times):
        try:
            await method(GOOD if number % 5 else BAD, timeout=SOON_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() not in EXPECTED:
                raise


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))

"""``make run ARGS=--keep``: the services stay up to be talked to, and end on Ctrl-C."""

import asyncio
import signal
import sys
from pathlib import Path

from tools.processes import traces
from tools.services.stack import ROOT, Stack, running


async def until_interrupted(folder: Path) -> int:
    """Start the services, say how to talk to them, and stop them on SIGINT or SIGTERM; return the exit status."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    try:
        async with running(folder) as stack:
            print(_greeting(stack), flush=True)
            await interrupted.wait()
            print("stopping the services, and removing all they made", flush=True)
    finally:
        traces.remove(folder)
    return 0


def _greeting(stack: Stack) -> str:
    """Say where everything is. The variables and the function are those that the tutorial uses."""
    node_a, node_b = stack.nodes
    python = Path(sys.executable)
    shown = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    lines = [
        "Three services are up, and stay up until Ctrl-C. In another terminal, as root, in this folder:",
        "",
        f"  export RUN={stack.folder} CLOUD={stack.cloud.url} TOKEN={stack.cloud.token}",
        "  export CONTROLLER=$RUN/controller/csi.sock NODE_A=$RUN/node-a/csi.sock NODE_B=$RUN/node-b/csi.sock",
        f"  export DROPLET_A={node_a.droplet_id} DROPLET_B={node_b.droplet_id}",
        f'  csi() {{ {shown} -m tools.csi "$@"; }}',
        "",
        "Then, for example:",
        "",
        "  csi $CONTROLLER GetPluginInfo",
        "  csi $NODE_A NodeGetInfo",
        '  curl -H "Authorization: Bearer $TOKEN" ${CLOUD}v2/volumes',
        "",
        "A droplet's devices appear in $RUN/cloud/state/droplets/ID/dev. The logs:",
        "",
        *(f"  tail -f {program.log}" for program in stack.programs),
    ]
    return "\n".join(lines)

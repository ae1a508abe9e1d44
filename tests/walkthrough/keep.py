"""``make run ARGS=--keep``: the services stay up to be talked to, and end on Ctrl-C."""

import asyncio
import signal
import sys
from pathlib import Path

from tests.harness import traces
from tests.harness.stack import Stack, running


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
    """Say where everything is. The variables are those that the tutorial uses."""
    node_a, node_b = stack.nodes
    lines = [
        "Three services are up, and stay up until Ctrl-C. In another terminal, as root:",
        "",
        f"  export CONTROLLER={stack.controller.socket}",
        *(f"  export NODE_{letter}={node.socket}" for letter, node in (("A", node_a), ("B", node_b))),
        *(f"  export DROPLET_{letter}={node.droplet_id}" for letter, node in (("A", node_a), ("B", node_b))),
        *(f"  export DEVICES_{letter}={node.device_dir}" for letter, node in (("A", node_a), ("B", node_b))),
        f"  export CLOUD={stack.cloud.url} TOKEN={stack.cloud.token}",
        "",
        "Talk to them with:",
        "",
        f"  {sys.executable} -m tests.harness.call $CONTROLLER GetPluginInfo",
        f"  {sys.executable} -m tests.harness.call $NODE_A NodeGetInfo",
        '  curl -H "Authorization: Bearer $TOKEN" ${CLOUD}v2/volumes',
        "",
        "Their logs:",
        "",
        *(f"  {program.log}" for program in stack.programs),
    ]
    return "\n".join(lines)

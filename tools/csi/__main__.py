"""Calls one RPC from the shell: ``python -m tools.csi SOCKET METHOD [JSON]`` prints the answer as JSON.

METHOD is the short name of the RPC (``CreateVolume``), JSON the request in protobuf's JSON form. Exit status: 0 it
answered, 1 it refused or does not answer, 2 wrong usage.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from betterproto2 import Message
from grpclib.exceptions import GRPCError

from tools.csi.client import ROUTES, Client

METHODS = {route.path.rpartition("/")[2]: request for request, route in ROUTES.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="call", description="Call one RPC of a CSI driver.")
    parser.add_argument("socket", type=Path, help="the driver's Unix socket")
    parser.add_argument("method", choices=sorted(METHODS), metavar="METHOD", help="as in CreateVolume")
    parser.add_argument("request", type=json.loads, nargs="?", default={}, metavar="JSON", help="the request's fields")
    options = parser.parse_args(argv)
    try:
        request = METHODS[options.method].from_dict(options.request)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        parser.error(f"no {options.method}Request: {error}")
    try:
        answer = asyncio.run(_call(options.socket, request))
    except GRPCError as error:
        print(f"{error.status.name}: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.socket}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(json.dumps(answer.to_dict(), indent=2))
    return 0


async def _call(socket: Path, request: Message) -> Message:
    async with Client(socket) as client:
        return await client.call(request, ROUTES[type(request)].reply, seconds=60)


if __name__ == "__main__":
    sys.exit(main())

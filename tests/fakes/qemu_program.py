"""QEMU as a program that has a monitor and no machine: ``python -m tests.fakes.qemu_program``, in a guest's folder.

``seen`` there tells the volumes that the guest sees, as a JSON list of their names.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from shlex import quote

from tests.fakes.qemu import Arguments, FakeQemu, converse

ROOT = Path(__file__).resolve().parents[2]


class Told(FakeQemu):
    """One whose disks are told in a file."""

    def execute(self, command: str, given: Arguments) -> object:
        """Carry a command out, and tell."""
        answer = super().execute(command, given)
        Path("seen").write_text(json.dumps(sorted(str(device["device_id"]) for device in self.devices.values())))
        return answer


def install(folder: Path) -> None:
    """Put it into a folder for programs, and a ``qemu-img`` that makes empty files."""
    folder.mkdir()
    python = f"PYTHONPATH={quote(str(ROOT))} exec {quote(sys.executable)} -m tests.fakes.qemu_program"
    for name, script in (("qemu-system-x86_64", python), ("qemu-img", 'for file; do :; done; : > "$file"')):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


async def serve() -> None:
    """Serve until told to quit."""
    qemu = Told()
    server = await asyncio.start_unix_server(lambda *streams: converse(qemu, *streams), "qmp")
    await qemu.ended.wait()
    server.close()


if __name__ == "__main__":
    Path("pid").write_text(str(os.getpid()))
    asyncio.run(serve())

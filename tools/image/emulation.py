"""``python -m tools.image.emulation``: make the image for arm64, and start each program in it under emulation."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.image import closure, make
from tools.image.recipes import DRIVER

MACHINE = "aarch64"
EMULATOR = "qemu-aarch64-static"
PYTHON = "/usr/bin/python3"
SECONDS = 120
SERVICES = ("controller", "node", "warden")
ENDED_BY_SIGNAL = 128  # or negative: it did not get as far as its own words


def main() -> int:
    """Return the exit status: 0 all programs started, 1 one did not."""
    emulator = shutil.which(EMULATOR)
    if emulator is None:
        print(f"missing: {EMULATOR}; as root: apt-get install qemu-user-static", file=sys.stderr)
        return 1
    with TemporaryDirectory(prefix="aiocsi-emulated-") as name, make.built(MACHINE) as made:
        root = Path(name)
        for layer in made.layers:
            with tarfile.open(layer) as contents:
                contents.extractall(root, filter="fully_trusted")  # noqa: S202  # we made it
        shutil.copy(emulator, root / EMULATOR)
        started = [_starts(root, argv) for argv in _programs(root)]
        return int(not all(started))


def _programs(root: Path) -> list[list[str]]:
    """Return the command lines: without a volume each program only tells what it is or how it is used."""
    services = [[PYTHON, "-I", f"/usr/local/bin/aiocsi-{name}", "--version"] for name in SERVICES]
    paths = [closure.program(root, name).relative_to(root) for name in DRIVER.programs]
    return [*services, *([f"/{path}", "--version"] for path in paths)]


def _starts(root: Path, argv: list[str]) -> bool:
    """Say whether a program gets as far as words of its own: an exit status alone does not tell."""
    command = ["chroot", str(root), f"/{EMULATOR}", *argv]
    done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    told = (done.stdout + done.stderr).decode(errors="replace").strip()
    right = done.returncode == 0 if argv[0] == PYTHON else 0 <= done.returncode < ENDED_BY_SIGNAL
    started = right and bool(told) and EMULATOR not in told
    print(f"{'started' if started else 'NOT STARTED'}: {' '.join(argv)}: {told.splitlines()[:1]}")
    return started

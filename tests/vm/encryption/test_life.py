"""The life of encrypted volumes on a guest: every kind, and where neither data nor passphrase may be seen."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.vm.conftest import MakeGuest
from tests.vm.encryption.calls import GIB, NEW, OLD, QUICK, Kubelet, Volume, serving

pytestmark = pytest.mark.asyncio

MakeDisk = Callable[[str], Path]

PLAINTEXT = "what-the-pod-wrote-8cJw"
PIECE_BYTES = 1 << 24
CANARY = "canary-w2Lk"  # proves that the witness sees
ACTIONS = ("luksFormat", "open", "resize", "luksAddKey", "luksRemoveKey", "config", "close")  # of cryptsetup
WITNESS = """
import socket, struct

DONE, IDX_PROC, VAL_PROC, LISTEN, EXEC, BUFFER_BYTES = 3, 1, 1, 1, 2, 1 << 20
events = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 11)  # NETLINK_CONNECTOR, see linux/cn_proc.h
events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
events.bind((0, IDX_PROC))
events.send(struct.pack("=IHHIIIIIIHHI", 40, DONE, 0, 0, 0, IDX_PROC, VAL_PROC, 0, 0, 4, 0, LISTEN))
print("listening", flush=True)
while True:
    event = events.recv(BUFFER_BYTES)
    if struct.unpack_from("=I", event, 36) != (EXEC,):
        continue
    pid = struct.unpack_from("=I", event, 52)[0]
    try:
        text = open(f"/proc/{pid}/cmdline", "rb").read() + open(f"/proc/{pid}/environ", "rb").read()
    except OSError:
        continue
    print(text.replace(b"\\0", b" ").decode(errors="replace"), flush=True)
"""
LOOK = (  # what was written since the passphrases are known, and the processes that have not ended
    "find /run/csi /var /tmp /etc -type f -cnewer /run/words -exec grep -aFlf /run/words {} + || true;"
    "grep -saFlf /run/words /proc/[0-9]*/cmdline /proc/[0-9]*/environ || true"
)
CHEAP = {  # argon2id, at an eighth of its usual cost
    "encryption": "luks2",
    "encryptionPbkdfMemory": "8192",
    "encryptionDiscards": "true",
}


def everything(disk: MakeDisk) -> list[Volume]:
    """One volume of each kind."""
    made = {"ext4": CHEAP, "xfs": QUICK, "btrfs": QUICK, "": QUICK}
    return [Volume(str(uuid.uuid4()), disk(kind or "block"), kind, context) for kind, context in made.items()]


@asynccontextmanager
async def watching(kubelet: Kubelet) -> AsyncIterator[None]:
    """Write down the arguments and the environment of every program that is started, in ``/run/seen``."""
    pid = await kubelet.guest.agent.spawn("python3", "-I", "-S", "-c", WITNESS, log="/run/seen")
    await kubelet.shell("until grep -q listening /run/seen; do sleep 0.1; done")
    try:
        yield
        await kubelet.shell(f"until grep -q {CANARY} /run/seen; do sleep 0.1; done")  # it is an argument of this bash
    finally:
        await kubelet.guest.agent.run("kill", str(pid))


async def write(kubelet: Kubelet, volume: Volume) -> None:
    """Write as a pod does, down to the disk."""
    if volume.kind:
        await kubelet.shell(f"echo {PLAINTEXT} > {volume.target}/file; sync -f {volume.target}")
    else:
        await kubelet.shell(f"echo {PLAINTEXT} | dd of={volume.target} bs=4096 conv=sync,fsync status=none")


async def read(kubelet: Kubelet, volume: Volume) -> str:
    """Read it again."""
    file = f"{volume.target}/file" if volume.kind else volume.target
    return await kubelet.shell(f"head -c {len(PLAINTEXT)} {file}")


async def grow(kubelet: Kubelet, volume: Volume) -> None:
    """Grow a volume in use."""
    assert await kubelet.total_bytes(volume) < GIB
    await kubelet.guest.drives.resize(volume.name, 2 * GIB)
    for _ in range(2):
        assert await kubelet.expand(volume, 2 * GIB) == 2 * GIB
    assert 1.8 * GIB < await kubelet.total_bytes(volume) < 2 * GIB


async def live(kubelet: Kubelet, volume: Volume) -> None:
    """Live a volume's whole life, and part of a second one with another passphrase."""
    await kubelet.attach(volume)
    await kubelet.stage(volume)
    await kubelet.stage(volume)
    await kubelet.publish(volume)
    await write(kubelet, volume)
    assert await kubelet.ailments(volume) == set()
    await grow(kubelet, volume)
    await kubelet.unpublish(volume)
    await kubelet.unstage(volume)
    rotated = volume.keyed(NEW, OLD)
    await kubelet.stage(rotated)
    await kubelet.publish(rotated)
    assert await read(kubelet, volume) == PLAINTEXT


async def end(kubelet: Kubelet, volume: Volume) -> None:
    """End its life."""
    await kubelet.unpublish(volume)
    await kubelet.unstage(volume)
    assert "does not open" in await kubelet.refusal(volume)
    await kubelet.detach(volume)


def found_in(file: Path, *words: str) -> set[str]:
    """Return which of the words are in a file; holes are not read."""
    found = set[str]()
    with file.open("rb") as disk:
        at = 0
        while (at := data_after(disk.fileno(), at)) >= 0:
            part = os.pread(disk.fileno(), PIECE_BYTES + 100, at)
            found |= {word for word in words if word.encode() in part}
            at += PIECE_BYTES
    return found


def data_after(file: int, at: int) -> int:
    """Return where data is at or behind ``at``; -1 if there is none."""
    try:
        return os.lseek(file, at, os.SEEK_DATA)
    except OSError:
        return -1


def host_processes() -> Iterator[bytes]:
    """Yield arguments and environment of every process of this host."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


async def test_every_kind_lives_and_neither_data_nor_passphrase_is_seen_anywhere(
    make_node: MakeGuest, disk: MakeDisk, tmp_path: Path
) -> None:
    volumes = everything(disk)
    plain = Volume(str(uuid.uuid4()), disk("plain"), "ext4", context={}, secrets={})
    async with serving(await make_node("a"), tmp_path / "a") as kubelet:
        await kubelet.guest.agent.write("/run/words", f"{OLD}\n{NEW}\n".encode())
        async with watching(kubelet):
            await asyncio.gather(*(live(kubelet, volume) for volume in volumes))
            table = await kubelet.shell("dmsetup table")
            discarding = [line.split(":")[0] for line in table.splitlines() if "allow_discards" in line]
            assert discarding == [volume.mapper for volume in volumes if volume.context is CHEAP]
            await asyncio.gather(*(end(kubelet, volume) for volume in volumes))
        assert await kubelet.shell("dmsetup ls") == "No devices found\n"
        seen = (await kubelet.guest.agent.read("/run/seen")).decode()
        assert [action for action in ACTIONS if f" {action} " not in seen] == []
        assert [word for word in (OLD, NEW, CANARY) if word in seen] == [CANARY]
        await kubelet.shell(f"echo {OLD} > /tmp/planted")  # proves that the look sees
        assert await kubelet.shell(LOOK) == "/tmp/planted\n"
        await kubelet.attach(plain)
        await kubelet.stage(plain)
        await kubelet.publish(plain)
        await write(kubelet, plain)
    words = (PLAINTEXT, OLD, NEW)
    assert found_in(plain.file, *words) == {PLAINTEXT}
    assert [found_in(volume.file, *words) for volume in volumes] == [set()] * len(volumes)
    assert not any(OLD.encode() in process or NEW.encode() in process for process in host_processes())

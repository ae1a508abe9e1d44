"""The command line of QEMU: what a guest's machine is made of.

Source: qemu-system-x86_64(1); "QEMU QMP Reference Manual", BlockdevOptions.
"""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "qemu-system-x86_64"
METADATA_NET = (
    "net=169.254.169.0/24,host=169.254.169.2,dns=169.254.169.3,dhcpstart=169.254.169.15,restrict=on"  # no way out
)
METADATA_ADDRESS = "tcp:169.254.169.254:80"
PIPE = Path(__file__).with_name("pipe.py")
KERNEL_WORDS = "console=ttyS0 quiet mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1"
DRIVER_BYTES = 48 << 20  # of every image of the driver, so that a saved state fits each


@dataclass(frozen=True)
class Image:
    """A guest image: the folder that ``python -m tools.guest`` makes."""

    folder: Path

    @property
    def root(self) -> Path:
        """The root file system, raw; a guest writes to a layer above it."""
        return self.folder / "root.img"

    def missing(self) -> list[str]:
        """Return the files that are not there."""
        return [name for name in ("vmlinuz", "initrd.img", "root.img") if not (self.folder / name).exists()]


@dataclass(frozen=True)
class Metadata:
    """A metadata service for guests: its Unix socket, and what comes before the paths that this guest asks for."""

    socket: Path
    prefix: str = ""


@dataclass(frozen=True)
class Machine:
    """A machine.

    ``driver`` is the image of the driver, seen as /dev/vdb. ``metadata`` is what the guest meets at
    169.254.169.254. ``droplet_id`` is told by SMBIOS, as on a droplet. ``announces_sizes``: the
    controller tells when a disk has grown; without, the guest must ask. ``systemd``: process 1 is systemd, and not a
    short script. ``processors``: one, as the smallest droplet has; a second one costs the host a third
    more for the same work. ``durable``: what the guest has synced to its root survives a kill of QEMU.
    """

    driver: Path | None = None
    metadata: Metadata | None = None
    droplet_id: int | None = None
    memory_mib: int = 384
    processors: int = 1
    announces_sizes: bool = True
    systemd: bool = False
    durable: bool = False

    def argv(self, image: Image) -> list[str]:
        """Return the command line; paths in it are relative to the guest's folder."""
        words = f"{KERNEL_WORDS} net.ifnames=0" + (" guest.init=/lib/systemd/systemd" if self.systemd else "")
        argv = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35"]
        argv += ["-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max"]
        argv += ["-smp", str(self.processors), "-m", str(self.memory_mib)]
        argv += ["-kernel", str(image.folder / "vmlinuz"), "-initrd", str(image.folder / "initrd.img")]
        argv += ["-append", words, "-pidfile", "pid", "-qmp", "unix:qmp,server=on,wait=off"]
        argv += ["-chardev", "socket,id=console,path=console,server=on,wait=off,logfile=console.log,logappend=on"]
        argv += ["-serial", "chardev:console", "-device", "virtio-serial", "-device", "virtio-rng-pci"]
        argv += ["-chardev", "socket,id=agent,path=agent,server=on,wait=off"]
        argv += ["-device", "virtserialport,chardev=agent,name=aiocsi.agent"]
        for name, options in (("root", self._root()), ("driver", self._driver())):
            argv += ["-blockdev", json.dumps({"node-name": name, **options})]
            argv += ["-device", f"virtio-blk-pci,drive={name},serial={name}"]
        argv += ["-device", f"virtio-scsi-pci,id=scsi0,param_change={_on(self.announces_sizes)}"]
        argv += ["-netdev", f"user,id=net0,{METADATA_NET}{self._metadata()}", "-device", "virtio-net-pci,netdev=net0"]
        if self.droplet_id is not None:
            argv += ["-smbios", f"type=1,manufacturer=DigitalOcean,product=Droplet,serial={self.droplet_id}"]
        return argv

    def _root(self) -> dict[str, object]:
        file = {"driver": "file", "filename": "root.qcow2"}
        return {"driver": "qcow2", "file": file, "cache": {"no-flush": not self.durable}}

    def _driver(self) -> dict[str, object]:
        if self.driver is None:
            return {"driver": "null-co", "size": DRIVER_BYTES, "read-zeroes": True, "read-only": True}
        return {"driver": "file", "filename": str(self.driver), "read-only": True}

    def _metadata(self) -> str:
        if self.metadata is None:
            return ""
        words = (sys.executable, "-I", "-S", str(PIPE), str(self.metadata.socket), self.metadata.prefix)
        return f",guestfwd={METADATA_ADDRESS}-cmd:{shlex.join(words).replace(',', ',,')}"


def _on(flag: bool) -> str:
    return "on" if flag else "off"

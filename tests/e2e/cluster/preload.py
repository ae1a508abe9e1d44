"""Put images into a node's content store before the node exists, by a containerd that runs on the node's tree."""

from pathlib import Path

from tests.e2e.cluster import background
from tools import go_programs
from tools.processes.run import run

START_SECONDS = 30.0
SETTINGS = """\
version = 3
root = "{tree}/var/lib/containerd"
state = "{scratch}/containerd-state"
disabled_plugins = [
  "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
]
[grpc]
address = "{scratch}/containerd.sock"
[ttrpc]
address = "{scratch}/containerd.ttrpc"
"""


def preload(tree: Path, archives: list[Path], scratch: Path) -> None:
    """Import ``archives`` for the node whose root file system ``tree`` is. Raises NotReady or ToolFailed."""
    (tree / "var/lib/containerd").mkdir(parents=True, exist_ok=True)
    settings, socket, pid_file = scratch / "containerd.toml", scratch / "containerd.sock", scratch / "containerd.pid"
    settings.write_text(SETTINGS.format(tree=tree, scratch=scratch))
    argv = [str(go_programs.path("containerd")), "--config", str(settings)]
    pid = background.start(argv, pid_file, scratch / "containerd.log", {}, scratch)
    try:
        background.wait(socket.exists, pid, "containerd", START_SECONDS)
        for one in archives:
            _import(socket, one)
    finally:
        background.stop(pid_file)
    for leftover in ("io.containerd.snapshotter.v1.native", "io.containerd.snapshotter.v1.overlayfs", "tmpmounts"):
        run("rm", "-rf", str(tree / "var/lib/containerd" / leftover))


def _import(socket: Path, image: Path) -> None:
    ctr = [str(go_programs.path("ctr")), "--address", str(socket), "--namespace", "k8s.io", "images", "import"]
    pinned = "--label=io.cri-containerd.pinned=pinned"  # kubelet's clean-up leaves it alone
    run(*ctr, pinned, "--all-platforms", "--no-unpack", str(image), seconds=300)

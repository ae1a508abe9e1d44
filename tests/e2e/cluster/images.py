"""Images of Kubernetes, the sidecars and the test pods, made from their programs: nothing is pulled.

Each is an archive in the cache, under the name and tag that kubeadm, the chart or the test suite asks for.
"""

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import go_programs
from tools.golang import CACHE
from tools.image import archive, root
from tools.processes.run import run

KUBERNETES = go_programs.version("kubelet")
OTHERS = go_programs.others()
PAUSE = "registry.k8s.io/pause"
OF_SUITE = "registry.k8s.io/e2e-test-images"
AGNHOST = (f"{OF_SUITE}/agnhost:2.66.1", f"{OF_SUITE}/agnhost:2.55")
BUSYBOX = (f"{OF_SUITE}/busybox:1.37.0-2", f"{OF_SUITE}/nginx:1.27.0-2")  # the suite runs a shell in nginx, no more
GNU_TOOLS = (f"{OF_SUITE}/glibc-dns-testing:2.1.1",)
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Recipe:
    """One image: a program at a path, on nothing or on the system's root file system."""

    program: str
    tags: tuple[str, ...]
    path: str
    on_system: bool = False
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


def _core(name: str, *, on_system: bool = False) -> Recipe:
    return Recipe(name, (f"registry.k8s.io/{name}:{KUBERNETES}",), f"usr/local/bin/{name}", on_system)


def _sidecar(name: str) -> Recipe:
    tag = f"registry.k8s.io/sig-storage/{name}:{go_programs.version(name)}"
    return Recipe(name, (tag,), name, entrypoint=(f"/{name}",))


CORE = (
    _core("kube-apiserver"),
    _core("kube-controller-manager"),
    _core("kube-scheduler"),
    _core("kube-proxy", on_system=True),
    Recipe(
        "etcd",
        tuple(
            f"registry.k8s.io/etcd:{tag}"
            for tag in (f"{go_programs.version('etcd').removeprefix('v')}-0", *(one.etcd for one in OTHERS))
        ),
        "usr/local/bin/etcd",
    ),
    Recipe(
        "coredns",
        tuple(
            f"registry.k8s.io/coredns/coredns:{tag}"
            for tag in (go_programs.version("coredns"), *(one.coredns for one in OTHERS))
        ),
        "coredns",
        entrypoint=("/coredns",),
    ),
    Recipe(
        "pause",
        tuple(f"{PAUSE}:{tag}" for tag in ("3.10", "3.10.2", *(one.pause for one in OTHERS))),
        "pause",
        entrypoint=("/pause",),
    ),
)
SIDECARS = tuple(
    _sidecar(name)
    for name in ("csi-provisioner", "csi-attacher", "csi-resizer", "csi-snapshotter", "snapshot-controller")
)
TEST_SUITE = (Recipe("agnhost", AGNHOST, "agnhost", on_system=True, entrypoint=("/agnhost",), command=("pause",)),)
OWN = ("pause",)


def everything() -> list[Path]:
    """Return the archives of all images, making those that are missing."""
    return [*map(make, (*CORE, *SIDECARS, *TEST_SUITE)), busybox(), gnu_tools()]


def check(wanted: Iterable[str]) -> None:
    """Raise ValueError unless ``wanted``, the images that kubeadm lists, are those that are made."""
    made = {tag for recipe in CORE for tag in recipe.tags}
    if lacking := sorted(set(wanted) - made):
        raise ValueError(f"kubeadm wants images that are not made: {', '.join(lacking)}")


def check_suite(listed: Iterable[str]) -> None:
    """Raise ValueError unless ``listed``, the images that upstream's suite knows, have those that are made for it."""
    if unknown := sorted({*AGNHOST, *BUSYBOX, *GNU_TOOLS} - set(listed)):
        raise ValueError(f"upstream's suite does not use images that are made for it: {', '.join(unknown)}")


def make(recipe: Recipe) -> Path:
    """Return the archive of an image, making it the first time."""
    own = recipe.program in OWN
    version = "own" if own else go_programs.version(recipe.program)
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]
    target = CACHE / "images" / f"{recipe.program}-{version}-{digest}.tar"
    if not target.exists():
        program = go_programs.build_own(recipe.program) if own else go_programs.path(recipe.program)
        with TemporaryDirectory(prefix="aiocsi-image-") as name:
            layer = Path(name) / "layer.tar"
            archive.pack(_lay(Path(name) / "layer", program, recipe), layer)
            layers = [system(), layer] if recipe.on_system else [layer]
            archive.write(target, _described(recipe), layers)
    return target


def busybox() -> Path:
    """Return the archive of a busybox image, from Debian's static busybox; test pods run it."""
    target = CACHE / "images" / "busybox.tar"
    if not target.exists():
        with TemporaryDirectory(prefix="aiocsi-image-") as name:
            folder, layer = Path(name) / "layer", Path(name) / "layer.tar"
            _busybox_tree(folder)
            archive.pack(folder, layer)
            tags = ["docker.io/library/busybox:1.37", *BUSYBOX]
            archive.write(target, archive.Image(tags, "amd64", command=["sh"]), [layer])
    return target


def gnu_tools() -> Path:
    """Return the archive of an image with GNU dd, which the suite's multi-volume pods want."""
    target = CACHE / "images" / "gnu-tools.tar"
    if not target.exists():
        archive.write(target, archive.Image(GNU_TOOLS, "amd64", command=["bash"]), [system()])
    return target


def system() -> Path:
    """Return the root file system below the nodes and below images of more than one program (packages.txt)."""
    return root.root(Path(__file__).with_name("packages.txt").read_text().split(), variant="minbase")


def _lay(folder: Path, program: Path, recipe: Recipe) -> Path:
    (folder / recipe.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, folder / recipe.path)
    if not recipe.on_system:
        (folder / CERTIFICATES).parent.mkdir(parents=True)
        shutil.copy(Path("/") / CERTIFICATES, folder / CERTIFICATES)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
    return folder


def _busybox_tree(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    for name in ("etc", "root", "tmp", "usr"):
        (folder / name).mkdir()
    (folder / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    for applet in _applets():
        (folder / "bin" / applet).symlink_to("busybox")
    (folder / "usr/bin").symlink_to("../bin")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\n")


def _applets() -> Sequence[str]:
    return [name for name in run("/bin/busybox", "--list").split() if name != "busybox"]


def _described(recipe: Recipe) -> archive.Image:
    return archive.Image(recipe.tags, "amd64", entrypoint=recipe.entrypoint, command=recipe.command)

"""The image of a kind node: Debian, kind's own files from its Go module, our programs, and the core images inside.

It does what kind's Dockerfile does (module sigs.k8s.io/kind, images/base), with what Go modules and Debian bring. The
images of the sidecars and the test pods are inside as well: a new cluster has them at once.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.cluster import images, preload
from tools import go_programs, golang
from tools.image import archive
from tools.processes.run import run

KIND = ("sigs.k8s.io/kind", go_programs.version("kind"))
NAME = "aiocsi/kind-node"
KUBERNETES_VERSION = f"--kubernetes-version={images.KUBERNETES}"
SERVICES = ("containerd", "kubelet", "undo-mount-hacks", "loop-nodes")
NOT_IN_A_CONTAINER = (  # units that expect a machine of their own
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "lib/systemd/system/multi-user.target.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "etc/systemd/system/*.wants/*",
)
MAKE_LOOP_NODES = "for n in $(seq 0 255); do [ -e /dev/loop$n ] || mknod -m 600 /dev/loop$n b 7 $n; done"
LOOP_NODES = f"""\
[Unit]
Description=Nodes for the loop devices that come later: a container's /dev has those of its start
Before=containerd.service kubelet.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c '{MAKE_LOOP_NODES.replace("$", "$$")}'
"""
PLACES = {
    "usr/local/bin": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "usr/bin": ("kubeadm", "kubelet", "kubectl"),
    "opt/cni/bin": ("loopback", "ptp", "host-local", "portmap"),
}


def make() -> Path:
    """Return the archive of the node image, making it the first time, or when what it is made of has changed."""
    target = golang.CACHE / "images" / f"kind-node-{images.KUBERNETES}-{_key()}.tar"
    if not target.exists():
        images.check(run(str(go_programs.path("kubeadm")), "config", "images", "list", KUBERNETES_VERSION).split())
        with TemporaryDirectory(prefix="aiocsi-node-image-") as name:
            tree, layer = Path(name) / "tree", Path(name) / "layer.tar"
            run("mkdir", str(tree))
            run("tar", "-C", str(tree), "-xf", str(images.system()), seconds=300)
            _fill(tree)
            preload.preload(tree, images.everything(), Path(name))
            run("tar", "-C", str(tree), "--numeric-owner", "-cf", str(layer), ".", seconds=300)
            archive.write(target, _described(), [layer])
        for other in target.parent.glob(f"kind-node-{images.KUBERNETES}-*.tar"):
            if other != target:
                other.unlink()
    return target


def tag() -> str:
    """Return the name of the image; another one if what it is made of has changed."""
    return f"{NAME}:{images.KUBERNETES}-{_key()}"


def _key() -> str:
    here = Path(__file__)
    mine = (here, *map(here.with_name, ("images.py", "preload.py", "packages.txt", "crictl")))
    parts = [file.read_bytes() for file in (*mine, *go_programs.FOLDER.glob("*.txt"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _described() -> archive.Image:
    return archive.Image(
        [tag()],
        "amd64",
        entrypoint=["/usr/local/bin/entrypoint", "/sbin/init"],
        environment=["container=docker"],
        stop_signal="SIGRTMIN+3",
    )


def _fill(tree: Path) -> None:
    _kind_files(tree)
    _services(tree)
    _lower(tree)
    _programs(tree)
    (tree / "kind/version").write_text(images.KUBERNETES)
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/containerd/cri-base.json").write_text(_container_defaults())


def _kind_files(tree: Path) -> None:
    source = golang.module_folder(*KIND) / "images/base/files"
    for name in ("kind", "etc", "usr"):
        run("cp", "-r", "--no-preserve=mode,ownership", str(source / name), str(tree))
    for file in (*tree.glob("kind/bin/*.sh"), tree / "usr/local/bin/entrypoint"):
        file.chmod(0o755)
    (tree / "usr/local/bin/clean-install").unlink()


def _services(tree: Path) -> None:
    for pattern in NOT_IN_A_CONTAINER:
        for unit in tree.glob(pattern):
            unit.unlink()
    units = tree / "etc/systemd/system"
    (units / "loop-nodes.service").write_text(LOOP_NODES)
    wanted = units / "multi-user.target.wants"
    for folder in (wanted, tree / "etc/kubernetes/manifests", tree / "kind/manifests", tree / "etc/cni/net.d"):
        folder.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        (wanted / f"{service}.service").symlink_to(f"/etc/systemd/system/{service}.service")
    (units / "systemd-binfmt.service").symlink_to("/dev/null")
    with (tree / "etc/systemd/journald.conf").open("a") as journal:
        journal.write("ReadKMsg=no\n")
    init = tree / "sbin/init"
    init.unlink(missing_ok=True)
    init.symlink_to("/usr/lib/systemd/systemd")


def _lower(tree: Path) -> None:
    """Ask for nothing that needs CAP_SYS_RESOURCE, which root often lacks in a sandbox."""
    unit = tree / "etc/systemd/system/containerd.service"
    unit.write_text("".join(_without(unit, ("OOMScoreAdjust=", "Limit"))))
    settings = tree / "etc/containerd/config.toml"
    text = settings.read_text().replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    settings.write_text(text)


def _without(file: Path, beginnings: tuple[str, ...]) -> Iterable[str]:
    return [line for line in file.read_text().splitlines(keepends=True) if not line.startswith(beginnings)]


def _programs(tree: Path) -> None:
    for folder, names in PLACES.items():
        (tree / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(go_programs.path(name), tree / folder / name)
    (tree / "usr/local/sbin").mkdir(parents=True, exist_ok=True)
    shutil.copy(go_programs.path("runc"), tree / "usr/local/sbin/runc.real")
    shutil.copy(go_programs.build_own("humblerunc"), tree / "usr/local/sbin/runc")
    crictl = tree / "usr/local/bin/crictl"
    shutil.copy(Path(__file__).with_name("crictl"), crictl)
    crictl.chmod(0o755)


def _container_defaults() -> str:
    """Return containerd's default specification with kind's hook, and without limits of its own."""
    specification = json.loads(run(str(go_programs.path("ctr")), "oci", "spec"))
    del specification["process"]["rlimits"]
    hooks = specification.setdefault("hooks", {}).setdefault("createContainer", [])
    hooks.append({"path": "/kind/bin/mount-product-files.sh"})
    return json.dumps(specification)

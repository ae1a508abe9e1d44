"""The node service of the stand-in, with what node-driver-registrar does beside the real one."""

import asyncio
import json
import os
import subprocess  # noqa: TID251  # it runs in a pod, without the harness
from collections.abc import Mapping
from pathlib import Path

from grpclib import GRPCError, Status

from csi_proto import pluginregistration as kubelet
from csi_proto.csi import v1 as csi

from .serving import DRIVER, SOCKET, VOLUME_NAME, say, serve, topology

DEVICES = Path("/dev/disk/by-id")
REGISTRATION = Path(f"/registration/{DRIVER}-reg.sock")
MOUNTS = Path("/proc/self/mountinfo")
BLANK = 2  # blkid's exit status
SECONDS = 60


class Node(csi.NodeBase):
    async def node_get_info(self, message: csi.NodeGetInfoRequest) -> csi.NodeGetInfoResponse:  # noqa: ARG002
        droplet = json.loads(os.environ["DROPLETS"])[os.environ["KUBE_NODE_NAME"]]
        return csi.NodeGetInfoResponse(node_id=str(droplet), max_volumes_per_node=15, accessible_topology=topology())

    async def node_get_capabilities(
        self,
        message: csi.NodeGetCapabilitiesRequest,  # noqa: ARG002
    ) -> csi.NodeGetCapabilitiesResponse:
        kinds = csi.NodeServiceCapabilityRpcType
        told = [
            csi.NodeServiceCapability(rpc=csi.NodeServiceCapabilityRpc(type=kind))
            for kind in (kinds.STAGE_UNSTAGE_VOLUME, kinds.EXPAND_VOLUME)
        ]
        return csi.NodeGetCapabilitiesResponse(capabilities=told)

    async def node_stage_volume(self, message: csi.NodeStageVolumeRequest) -> csi.NodeStageVolumeResponse:
        await asyncio.to_thread(stage, message)
        return csi.NodeStageVolumeResponse()

    async def node_unstage_volume(self, message: csi.NodeUnstageVolumeRequest) -> csi.NodeUnstageVolumeResponse:
        await asyncio.to_thread(unmount, Path(message.staging_target_path))
        return csi.NodeUnstageVolumeResponse()

    async def node_publish_volume(self, message: csi.NodePublishVolumeRequest) -> csi.NodePublishVolumeResponse:
        await asyncio.to_thread(publish, message)
        return csi.NodePublishVolumeResponse()

    async def node_unpublish_volume(self, message: csi.NodeUnpublishVolumeRequest) -> csi.NodeUnpublishVolumeResponse:
        await asyncio.to_thread(unpublish, Path(message.target_path))
        return csi.NodeUnpublishVolumeResponse()

    async def node_expand_volume(self, message: csi.NodeExpandVolumeRequest) -> csi.NodeExpandVolumeResponse:
        await asyncio.to_thread(grow, message)
        return csi.NodeExpandVolumeResponse()


class Registration(kubelet.RegistrationBase):
    """What node-driver-registrar does, at the same path."""

    async def get_info(self, message: kubelet.InfoRequest) -> kubelet.PluginInfo:  # noqa: ARG002
        endpoint = f"/var/lib/kubelet/plugins/{DRIVER}/csi.sock"
        return kubelet.PluginInfo(type="CSIPlugin", name=DRIVER, endpoint=endpoint, supported_versions=["1.0.0"])

    async def notify_registration_status(
        self, message: kubelet.RegistrationStatus
    ) -> kubelet.RegistrationStatusResponse:
        say(f"registered: {message.plugin_registered} {message.error}")
        return kubelet.RegistrationStatusResponse()


def stage(message: csi.NodeStageVolumeRequest) -> None:
    """Format what blkid has no name for, and mount it. Raises GRPCError."""
    path, kind = Path(message.staging_target_path), _kind(message.volume_capability)
    if kind and not _is_mounted(path):
        device = _device(message.publish_context)
        if not _run("blkid", device, accept=(0, BLANK)):
            _run(f"mkfs.{kind}", *(["-F"] if kind.startswith("ext") else []), device)
        path.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", kind, device, str(path))


def publish(message: csi.NodePublishVolumeRequest) -> None:
    """Bind the folder, or the device, to the target. Raises GRPCError."""
    target, kind = Path(message.target_path), _kind(message.volume_capability)
    if _is_mounted(target):
        return
    if kind:
        target.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", kind, "-o", "bind", message.staging_target_path, str(target))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        _run("mount", "-o", "bind", str(Path(_device(message.publish_context)).resolve()), str(target))


def unpublish(target: Path) -> None:
    """Unmount the target, and remove it. Raises GRPCError."""
    unmount(target)
    if target.is_dir():
        target.rmdir()
    target.unlink(missing_ok=True)


def unmount(path: Path) -> None:
    """Unmount what is there, if anything is. Raises GRPCError."""
    if _is_mounted(path):
        _run("umount", str(path))


def grow(message: csi.NodeExpandVolumeRequest) -> None:
    """Grow the file system that is mounted at the volume's path. Raises GRPCError."""
    if _kind(message.volume_capability):
        kind, device = _mounted(Path(message.volume_path))
        _run(*(["xfs_growfs", message.volume_path] if kind == "xfs" else ["resize2fs", device]))


def _run(*argv: str, accept: tuple[int, ...] = (0,)) -> str:
    """Run a program; return what it printed. Raises GRPCError."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=SECONDS)
    say(f"{' '.join(argv)}: {done.returncode} {done.stderr.strip()}")
    if done.returncode not in accept:
        raise GRPCError(Status.INTERNAL, f"{argv[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _is_mounted(path: Path) -> bool:
    """Whether something is mounted at a path, be it a folder or a file."""
    return _mounted(path) != ("", "")


def _mounted(path: Path) -> tuple[str, str]:
    """Return the file system and the device that are mounted at a path, both empty if nothing is."""
    lines = [line.partition(" - ") for line in MOUNTS.read_text().splitlines()]
    found = [what.split()[:2] for at, _, what in lines if at.split()[4] == str(path)]
    return (found[-1][0], found[-1][1]) if found else ("", "")


def _kind(capability: csi.VolumeCapability | None) -> str:
    """Return the file system that is asked for; empty for a block volume."""
    mount = capability.mount if capability is not None else None
    return "" if mount is None else mount.fs_type or "ext4"


def _device(publish_context: Mapping[str, str]) -> str:
    return str(DEVICES / f"scsi-0DO_Volume_{publish_context[VOLUME_NAME]}")


if __name__ == "__main__":
    asyncio.run(serve({SOCKET: Node(), REGISTRATION: Registration()}))

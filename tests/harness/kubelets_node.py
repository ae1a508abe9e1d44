"""A node as kubelet calls it, for one volume: on a simulated host, or on this one with real disks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

import pytest
from betterproto2 import Message
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from node.records.state import Staged
from tests.faults.sim.rpc import Failed
from tools.csi.kubelet import Modes, NodeRequests, attached, mounted, raw

Reply = TypeVar("Reply", bound=Message)


class KubeletsNode(ABC):
    """A node and its volume. ``fs_type`` of the volume; empty: raw block. Its calls raise Failed."""

    ran_programs: list[str]
    grows_mounted_ext = True

    def __init__(self, volume_id: str, name: str, kubelet_dir: str, fs_type: str) -> None:
        self.volume_id = volume_id
        self.name = name
        self.kubelet_dir = kubelet_dir
        self.fs_type = fs_type
        self.flags: tuple[str, ...] = ()
        self.mode = Modes.SINGLE_NODE_MULTI_WRITER

    @property
    def staging(self) -> str:
        """Where the volume is staged."""
        return f"{self.kubelet_dir}/plugins/ours/globalmount"

    def target(self, pod: str) -> str:
        """Where the volume is published for a pod."""
        return f"{self.kubelet_dir}/pods/{pod}/volumes/ours/mount"

    def asked(self, pod: str = "pod", staging_path: str = "", **context: str) -> NodeRequests:
        """What kubelet asks for a pod."""
        capability = mounted(self.fs_type, *self.flags, mode=self.mode) if self.fs_type else raw(self.mode)
        staging = staging_path or self.staging
        return NodeRequests(self.volume_id, attached(self.name), staging, self.target(pod), capability, context)

    def stage(self, path: str = "") -> None:
        """NodeStageVolume."""
        self.call(self.asked(staging_path=path).stage(), csi.NodeStageVolumeResponse)

    def publish(self, pod: str = "pod", **context: str) -> None:
        """NodePublishVolume."""
        self.call(self.asked(pod, **context).publish(), csi.NodePublishVolumeResponse)

    def unpublish(self, pod: str = "pod") -> None:
        """NodeUnpublishVolume."""
        self.call(self.asked(pod).unpublish(), csi.NodeUnpublishVolumeResponse)

    def unstage(self, path: str = "") -> None:
        """NodeUnstageVolume."""
        self.call(self.asked(staging_path=path).unstage(), csi.NodeUnstageVolumeResponse)

    def expand(self, path: str = "", *, limit_bytes: int = 0) -> int:
        """NodeExpandVolume at a path, that of the one pod if none is named; return the size."""
        asked = replace(self.asked(), target=path or self.target("pod"))
        return self.call(asked.expand(limit_bytes=limit_bytes), csi.NodeExpandVolumeResponse).capacity_bytes

    @property
    def staged(self) -> list[Staged]:
        """What the node remembers of the volume being staged."""
        return [record for record in self.records() if isinstance(record, Staged)]

    @abstractmethod
    def call(self, message: Message, reply: type[Reply]) -> Reply:
        """Answer a message of kubelet's."""

    @abstractmethod
    def restart(self) -> None:
        """Let another node process serve from now on."""

    @abstractmethod
    def lose_state(self) -> None:
        """Let the state directory be lost with the process."""

    @abstractmethod
    def records(self) -> Sequence[object]:
        """Return what the node remembers."""

    @property
    @abstractmethod
    def mounted(self) -> list[str]:
        """Where anything is mounted."""

    @property
    @abstractmethod
    def is_large(self) -> bool:
        """Whether the file system is as large as the disk after ``enlarge``."""

    @abstractmethod
    def enlarge(self) -> None:
        """Make the disk of 1 GiB twice as large; of one that is in use the kernel learns when it is asked again."""

    @abstractmethod
    def ends(self, program: str, status: int, said: str) -> None:
        """Let a program end with a status, without an effect, until ``well``."""

    @abstractmethod
    def well(self) -> None:
        """Let every program do its work again."""

    @abstractmethod
    def die(self) -> None:
        """Let the kernel give up the file system that is mounted."""

    @abstractmethod
    def heal(self) -> None:
        """Let the disk be well again, of which the file system has died."""

    @abstractmethod
    def claimed(self) -> AbstractContextManager[None]:
        """Let somebody else have the device for himself: dm-crypt, LVM, a database."""

    @abstractmethod
    def partitioned(self) -> AbstractContextManager[None]:
        """Let there be partitions on the disk."""


def refusal(call: Callable[[], object]) -> tuple[Status, str]:
    """Return what a call is answered with."""
    with pytest.raises(Failed) as caught:
        call()
    return caught.value.status, caught.value.message

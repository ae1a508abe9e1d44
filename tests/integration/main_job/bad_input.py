"""The table of bad input: for each RPC what may be wrong with its request, and the code that has to answer it.

Every request is good but for one thing. The volume that it names exists, and is attached to node A.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from betterproto2 import Message
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from tools.csi import kubelet
from tools.csi.life import Life
from tools.services.stack import DRIVER_NAME, Node

Spoil = Callable[[Message], None]

INVALID, NOT_FOUND, OUT_OF_RANGE = Status.INVALID_ARGUMENT, Status.NOT_FOUND, Status.OUT_OF_RANGE
EXHAUSTED, PRECONDITION = Status.RESOURCE_EXHAUSTED, Status.FAILED_PRECONDITION

LONG = "x" * 5000
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Case:
    """One bad request: the RPC it belongs to, what is wrong, how the good request is spoilt, and the right answer."""

    method: str
    wrong: str
    spoil: Spoil
    code: Status

    def __str__(self) -> str:
        return f"{self.method}: {self.wrong}"


def field(name: str, value: object) -> Spoil:
    """Spoil one field."""
    return lambda message: setattr(message, name, value)


BAD_IDS = (("no volume id", "", INVALID), ("volume id that is a path", "../../etc", NOT_FOUND))
LONG_IDS = (("volume id of 5,000 characters", LONG, INVALID), ("volume id with a newline", "a\nb", INVALID))
UNKNOWN_IDS = (("volume that does not exist", UNKNOWN_ID, NOT_FOUND),)

BAD_PATHS = (
    ("empty", ""),
    ("not absolute", "tmp/here"),
    ("with ..", "/tmp/../etc/here"),
    ("with a newline", "/tmp/he\nre"),
    ("of 5,000 characters", "/" + LONG),
    ("the root", "/"),
    ("with a NUL", "/tmp/he\0re"),
)


def bad_capabilities() -> Iterator[tuple[str, csi.VolumeCapability | None]]:
    """Yield what no volume can do, and what is no capability at all."""
    modes = csi.VolumeCapabilityAccessModeMode
    yield "no capability", None
    yield "capability without an access type", csi.VolumeCapability(access_mode=kubelet.raw().access_mode)
    yield "capability without an access mode", csi.VolumeCapability(block=csi.VolumeCapabilityBlockVolume())
    for mode in (modes.UNKNOWN, modes.MULTI_NODE_MULTI_WRITER, modes.MULTI_NODE_READER_ONLY, modes(99)):
        access = csi.VolumeCapabilityAccessMode(mode=mode)
        yield f"access mode {mode}", csi.VolumeCapability(block=csi.VolumeCapabilityBlockVolume(), access_mode=access)
    for fs_type in ("ntfs", "ext4 -F", "../ext4", "-t", LONG, "ext4\n"):
        yield f"file system {fs_type[:9]!r}", kubelet.mounted(fs_type)
    for flag in ("remount", "bind", "ro,loop", "noatime,remount", "x y", "no\natime", "", LONG):
        yield f"mount flag {flag[:16]!r}", kubelet.mounted("ext4", flag)


def create_cases() -> Iterator[Case]:
    def case(wrong: str, spoil: Spoil, code: Status) -> Case:
        return Case("CreateVolume", wrong, spoil, code)

    def capacity(required: int, limit: int = 0) -> Spoil:
        return field("capacity_range", csi.CapacityRange(required_bytes=required, limit_bytes=limit))

    def topology(**segments: str) -> Spoil:
        return field("accessibility_requirements", csi.TopologyRequirement(requisite=[csi.Topology(segments=segments)]))

    def source(*, snapshot: str | None = None, volume: str | None = None) -> Spoil:
        of_snapshot = None if snapshot is None else csi.VolumeContentSourceSnapshotSource(snapshot_id=snapshot)
        of_volume = None if volume is None else csi.VolumeContentSourceVolumeSource(volume_id=volume)
        return field("volume_content_source", csi.VolumeContentSource(snapshot=of_snapshot, volume=of_volume))

    yield case("empty name", field("name", ""), INVALID)
    yield case("name with a newline", field("name", "a\nb"), INVALID)
    yield case("name of 5,000 characters", field("name", LONG), INVALID)
    yield case("negative size", capacity(-1), INVALID)
    yield case("negative limit", capacity(0, -1), INVALID)
    yield case("huge size", capacity(1 << 62), OUT_OF_RANGE)
    yield case("limit below what is required", capacity(2 << 30, 1 << 30), INVALID)
    yield case("limit below the smallest volume", capacity(0, 1 << 20), OUT_OF_RANGE)
    yield case("no whole GiB between the two", capacity((1 << 30) + 1, (2 << 30) - 1), OUT_OF_RANGE)
    yield case("unknown topology key", topology(zone="nyc1"), INVALID)
    yield case("region of another cluster", topology(region="ams3"), EXHAUSTED)
    yield case("unknown parameter", field("parameters", {"fstype": "ext4", "speed": "high"}), INVALID)
    yield case("content source of no kind", source(), INVALID)
    yield case("odd snapshot id", source(snapshot="x"), NOT_FOUND)
    yield case("source volume that does not exist", source(volume=UNKNOWN_ID), NOT_FOUND)
    for wrong, capability in bad_capabilities():
        yield case(wrong, field("volume_capabilities", [] if capability is None else [capability]), INVALID)


def controller_cases() -> Iterator[Case]:
    yield Case("DeleteVolume", "no volume id", field("volume_id", ""), INVALID)
    yield Case("DeleteVolume", "volume that is attached", lambda _: None, PRECONDITION)
    for wrong, value, code in (*BAD_IDS, *LONG_IDS, *UNKNOWN_IDS):
        yield Case("ControllerPublishVolume", wrong, field("volume_id", value), code)
        yield Case("ValidateVolumeCapabilities", wrong, field("volume_id", value), code)
    yield Case("ControllerUnpublishVolume", "no volume id", field("volume_id", ""), INVALID)
    yield Case("ControllerPublishVolume", "node id of 5,000 characters", field("node_id", LONG), INVALID)
    for node_id in ("worker-1", "-1", "0", "1e9", "٤", "410000000 ", "9" * 30):  # the volume is attached to node A
        yield Case("ControllerPublishVolume", f"node id {node_id[:12]!r}", field("node_id", node_id), PRECONDITION)
    yield Case("ControllerPublishVolume", "no node id", field("node_id", ""), INVALID)
    yield Case("ControllerPublishVolume", "volume that another droplet holds", field("node_id", "77"), PRECONDITION)
    yield Case("ControllerPublishVolume", "read-only attachment", field("readonly", True), INVALID)
    yield Case("ValidateVolumeCapabilities", "no capability", field("volume_capabilities", []), INVALID)
    for wrong, capability in bad_capabilities():
        yield Case("ControllerPublishVolume", wrong, field("volume_capability", capability), INVALID)


def node_cases() -> Iterator[Case]:
    paths = {
        "NodeStageVolume": "staging_target_path",
        "NodePublishVolume": "target_path",
        "NodeUnpublishVolume": "target_path",
        "NodeUnstageVolume": "staging_target_path",
        "NodeGetVolumeStats": "volume_path",
    }
    for method, path in paths.items():
        yield Case(method, "no volume id", field("volume_id", ""), INVALID)
        yield Case(method, "volume id of 5,000 characters", field("volume_id", LONG), INVALID)
        yield Case(method, "volume id with a newline", field("volume_id", "a\nb"), INVALID)
        for wrong, value in BAD_PATHS:
            code = NOT_FOUND if (method, wrong) == ("NodeGetVolumeStats", "not absolute") else INVALID  # as csi-sanity
            yield Case(method, f"{path} {wrong}", field(path, value), code)
    yield Case("NodeGetVolumeStats", "volume_path that does not exist", field("volume_path", "/nowhere"), NOT_FOUND)
    yield Case("NodePublishVolume", "no staging path", field("staging_target_path", ""), PRECONDITION)
    yield Case("NodePublishVolume", "volume that is not staged", lambda _: None, PRECONDITION)
    for method in ("NodeStageVolume", "NodePublishVolume"):
        for wrong, capability in bad_capabilities():
            yield Case(method, wrong, field("volume_capability", capability), INVALID)
        for wrong, name in (("no", ""), ("odd", "../sda"), ("long", LONG), ("broken", "a\nb")):
            context = {f"{DRIVER_NAME}/volume-name": name}
            yield Case(
                method, f"{wrong} volume name in the publish context", field("publish_context", context), INVALID
            )
        yield Case(method, "no publish context", field("publish_context", {}), INVALID)


CASES = (*create_cases(), *controller_cases(), *node_cases())


def good_request(method: str, volume: Life, node: Node) -> Message:
    """Return the good request of that RPC for a volume that is attached to ``node``, to be spoilt."""
    requests = {
        "CreateVolume": Life("never-made", volume.capability).create_request(),
        "DeleteVolume": volume.delete_request(),
        "ControllerPublishVolume": volume.attach_request(node),
        "ControllerUnpublishVolume": volume.detach_request(node),
        "ValidateVolumeCapabilities": csi.ValidateVolumeCapabilitiesRequest(
            volume_id=volume.volume.volume_id, volume_capabilities=[volume.capability]
        ),
        "NodeStageVolume": volume.on(node).stage(),
        "NodePublishVolume": volume.on(node).publish(),
        "NodeUnpublishVolume": volume.on(node).unpublish(),
        "NodeUnstageVolume": volume.on(node).unstage(),
        "NodeGetVolumeStats": volume.on(node).stats(),
    }
    return deepcopy(requests[method])

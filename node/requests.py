"""CSI messages to checked records. What is wrong in a request is refused here, before anything is looked at.

Source: CSI 1.13, the errors of each Node RPC.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common import context_keys, encryption, errors, format_parameters
from csi_proto.csi import v1 as csi
from node.records.requests import Expand, Filesystem, Keys, Publish, Stage, VolumePath, VolumeSpec
from node.rules import formatting, mounting, request_fields

Modes = csi.VolumeCapabilityAccessModeMode

DEFAULT_KIND = "ext4"
PASSPHRASE, OLD_PASSPHRASE = "encryption-passphrase", "encryption-passphrase-old"  # keys of the Secret
PASSPHRASE_BYTES = (8, 512)  # least: what redaction can tell from a word; most: what cryptsetup takes from a terminal
_MODES = frozenset(
    {
        Modes.SINGLE_NODE_WRITER,
        Modes.SINGLE_NODE_READER_ONLY,
        Modes.SINGLE_NODE_SINGLE_WRITER,
        Modes.SINGLE_NODE_MULTI_WRITER,
    }
)
_ORIGINS = frozenset({"snapshot", "volume"})


@dataclass(frozen=True)
class Requests:
    """Reads the messages of one driver, whose name is part of its context keys."""

    driver_name: str

    def stage(self, message: csi.NodeStageVolumeRequest) -> Stage:
        """Raises InvalidArgument."""
        return Stage(
            volume=self._volume(message.volume_id, message.publish_context, message.volume_context),
            path=request_fields.path(message.staging_target_path, "staging_target_path"),
            filesystem=_filesystem(message.volume_capability, message.volume_context),
            read_only=_mode(message.volume_capability) is Modes.SINGLE_NODE_READER_ONLY,
            keys=_keys(message.secrets),
        )

    def publish(self, message: csi.NodePublishVolumeRequest) -> Publish:
        """Raises InvalidArgument; FailedPrecondition if no staging path is named."""
        volume_id = request_fields.volume_id(message.volume_id)
        target = request_fields.path(message.target_path, "target_path")
        filesystem = _filesystem(message.volume_capability, message.volume_context)
        if not message.staging_target_path:
            raise errors.FailedPrecondition(
                f"staging_target_path is missing: volume {volume_id} has to be staged first"
            )
        staging_path = request_fields.path(message.staging_target_path, "staging_target_path")
        if target == staging_path:
            raise errors.InvalidArgument("target_path and staging_target_path are the same")
        mode = _mode(message.volume_capability)
        return Publish(
            volume=self._volume(volume_id, message.publish_context, message.volume_context),
            staging_path=staging_path,
            target=target,
            filesystem=filesystem,
            read_only=message.readonly is True or mode is Modes.SINGLE_NODE_READER_ONLY,
            alone=mode is Modes.SINGLE_NODE_SINGLE_WRITER,
        )

    def _volume(self, volume_id: object, published: Mapping[str, str], context: Mapping[str, str]) -> VolumeSpec:
        key = context_keys.volume_name_key(self.driver_name)
        return VolumeSpec(
            id=request_fields.volume_id(volume_id),
            name=request_fields.volume_name(published.get(key, ""), f"publish_context {key}"),
            min_bytes=_size(published.get(context_keys.volume_size_key(self.driver_name), "")),
            never_format=self._never_format(context),
            copied=context_keys.volume_origin_key(self.driver_name) in context,
            encryption=encryption.parse(context),
        )

    def _never_format(self, context: Mapping[str, str]) -> str:
        for key in context_keys.NOFORMAT_KEYS:
            if key in context:
                return f"its attribute {key} says so"
        origin = context.get(context_keys.volume_origin_key(self.driver_name), "")
        if origin in _ORIGINS:
            return f"it was made from a {origin}, whose data may not be there yet"
        if origin:
            raise errors.InvalidArgument(f"unknown volume origin {origin[:40]!r}")
        return ""


def unpublish(message: csi.NodeUnpublishVolumeRequest) -> VolumePath:
    """Raises InvalidArgument."""
    return VolumePath(
        request_fields.volume_id(message.volume_id), request_fields.path(message.target_path, "target_path")
    )


def unstage(message: csi.NodeUnstageVolumeRequest) -> VolumePath:
    """Raises InvalidArgument."""
    path = request_fields.path(message.staging_target_path, "staging_target_path")
    return VolumePath(request_fields.volume_id(message.volume_id), path)


def stats(message: csi.NodeGetVolumeStatsRequest) -> VolumePath:
    """Raises InvalidArgument."""
    return _place(message.volume_id, message.volume_path, "volume_path", message.staging_target_path)


def health(message: csi.NodeGetVolumeHealthRequest) -> VolumePath:
    """Both paths are optional: where the volume is, is remembered. Raises InvalidArgument, NotFound."""
    if message.volume_publish_path:
        path, what = message.volume_publish_path, "volume_publish_path"
        return _place(message.volume_id, path, what, message.staging_target_path)
    return VolumePath(volume_id=request_fields.volume_id(message.volume_id), path="")


def expand(message: csi.NodeExpandVolumeRequest) -> Expand:
    """Raises InvalidArgument, OutOfRange."""
    capacity = message.capacity_range or csi.CapacityRange()
    if capacity.required_bytes < 0 or capacity.limit_bytes < 0:
        raise errors.InvalidArgument("a size in capacity_range is negative")
    if 0 < capacity.limit_bytes < capacity.required_bytes:
        raise errors.InvalidArgument("capacity_range: the limit is below what is required")
    capability = message.volume_capability
    return Expand(
        place=_place(message.volume_id, message.volume_path, "volume_path", message.staging_target_path),
        required_bytes=capacity.required_bytes,
        limit_bytes=capacity.limit_bytes,
        block=None if capability is None else capability.block is not None,
        keys=_keys(message.secrets),
    )


def _place(volume_id: object, path: object, what: str, staging_path: str) -> VolumePath:
    return VolumePath(
        volume_id=request_fields.volume_id(volume_id),
        path=request_fields.published_path(path, what),
        staging_path=request_fields.path(staging_path, "staging_target_path") if staging_path else "",
    )


def _mode(capability: csi.VolumeCapability | None) -> Modes:
    """Return the access mode; a cloud volume is attached to one node at a time."""
    if capability is None:
        raise errors.InvalidArgument("volume_capability is missing")
    mode = capability.access_mode.mode if capability.access_mode is not None else Modes.UNKNOWN
    if mode not in _MODES:
        raise errors.InvalidArgument(
            f"access mode {getattr(mode, 'name', None) or mode} is not offered",
            remedy="use ReadWriteOnce or ReadWriteOncePod: a volume is attached to one node at a time",
        )
    return Modes(mode)


def _filesystem(capability: csi.VolumeCapability | None, context: Mapping[str, str]) -> Filesystem | None:
    """Return the file system that is asked for, or None for a raw block device."""
    _mode(capability)
    if capability is None or (capability.mount is None) == (capability.block is None):
        raise errors.InvalidArgument("volume_capability names neither mount nor block, or both")
    if capability.mount is None:
        return None
    mount = capability.mount
    kind = mount.fs_type.lower() or DEFAULT_KIND
    if kind not in formatting.KINDS:
        raise errors.InvalidArgument(
            f"unknown file system {mount.fs_type[:40]!r}", remedy=f"use one of {', '.join(formatting.KINDS)}"
        )
    if mount.volume_mount_group:
        raise errors.InvalidArgument("volume_mount_group is not offered: kubelet applies fsGroup itself")
    return Filesystem(kind, mounting.check_flags(tuple(mount.mount_flags)), format_parameters.parse(kind, context))


def _keys(secrets: Mapping[str, str]) -> Keys:
    """Read the passphrases; whether they are needed is known later. Raises InvalidArgument."""
    found = {name: secrets.get(name, "").encode() for name in (PASSPHRASE, OLD_PASSPHRASE)}
    for name, value in found.items():
        if value and not PASSPHRASE_BYTES[0] <= len(value) <= PASSPHRASE_BYTES[1]:
            raise errors.InvalidArgument(
                f"the secret {name} has less than {PASSPHRASE_BYTES[0]} or more than {PASSPHRASE_BYTES[1]} bytes"
            )
    return Keys(found[PASSPHRASE], found[OLD_PASSPHRASE])


def _size(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise errors.InvalidArgument(f"publish_context: {text[:40]!r} is no size in bytes")
    return int(text)

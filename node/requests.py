"""CSI messages to checked records. What is wrong in a request is refused here, before anything is looked at.

Source: CSI 1.13, the errors of each Node RPC.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common import capability, context_keys, errors
from common.capability import AccessType, Capability, Use
from csi_proto.csi import v1 as csi
from node.codes import Code
from node.records.requests import Expand, Filesystem, Keys, Publish, Stage, VolumePath, VolumeSpec
from node.rules import request_fields

PASSPHRASE, OLD_PASSPHRASE = "encryption-passphrase", "encryption-passphrase-old"  # keys of the Secret
PASSPHRASE_BYTES = (8, 512)  # least: what redaction can tell from a word; most: what cryptsetup takes from a terminal
_ORIGINS = frozenset({"snapshot", "volume"})


@dataclass(frozen=True)
class Requests:
    """Reads the messages of one driver, whose name is part of its context keys."""

    driver_name: str

    def stage(self, message: csi.NodeStageVolumeRequest) -> Stage:
        """Raises InvalidArgument."""
        use = _use(message.volume_capability, message.volume_context)
        return Stage(
            volume=self._volume(message.volume_id, message.publish_context, message.volume_context, use),
            path=request_fields.path(message.staging_target_path, "staging_target_path"),
            filesystem=_filesystem(use),
            read_only=use.read_only,
            keys=_keys(message.secrets),
        )

    def publish(self, message: csi.NodePublishVolumeRequest) -> Publish:
        """Raises InvalidArgument; FailedPrecondition if no staging path is named."""
        volume_id = request_fields.volume_id(message.volume_id)
        target = request_fields.path(message.target_path, "target_path")
        use = _use(message.volume_capability, message.volume_context)
        if not message.staging_target_path:
            raise errors.FailedPrecondition(
                f"staging_target_path is missing: volume {volume_id} has to be staged first", error_code=Code.NOT_STAGED
            )
        staging_path = request_fields.path(message.staging_target_path, "staging_target_path")
        if target == staging_path:
            raise errors.InvalidArgument("target_path and staging_target_path are the same")
        return Publish(
            volume=self._volume(volume_id, message.publish_context, message.volume_context, use),
            staging_path=staging_path,
            target=target,
            filesystem=_filesystem(use),
            read_only=message.readonly is True or use.read_only,
            alone=use.alone,
        )

    def subject(self, message: csi.NodeStageVolumeRequest | csi.NodePublishVolumeRequest) -> tuple[str, str]:
        """Return the id and name of the volume that a call is about, whatever else is in it. Raises InvalidArgument."""
        key = context_keys.volume_name_key(self.driver_name)
        name = request_fields.volume_name(message.publish_context.get(key, ""), f"publish_context {key}")
        return request_fields.volume_id(message.volume_id), name

    def _volume(
        self, volume_id: object, published: Mapping[str, str], context: Mapping[str, str], use: Use
    ) -> VolumeSpec:
        key = context_keys.volume_name_key(self.driver_name)
        return VolumeSpec(
            id=request_fields.volume_id(volume_id),
            name=request_fields.volume_name(published.get(key, ""), f"publish_context {key}"),
            min_bytes=_size(published.get(context_keys.volume_size_key(self.driver_name), "")),
            never_format=self._never_format(context) or ("it is asked for to be read only" if use.read_only else ""),
            copied=context_keys.volume_origin_key(self.driver_name) in context,
            encryption=use.encryption,
            raw=not use.fs_type,
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


def pod(message: csi.NodePublishVolumeRequest) -> str:
    """Return which pod the volume is for, as namespace/name; empty if kubelet does not say (podInfoOnMount)."""
    context = message.volume_context
    namespace, name = (context.get(f"csi.storage.k8s.io/pod.{part}", "") for part in ("namespace", "name"))
    return f"{namespace}/{name}" if name else ""


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
    """Raises InvalidArgument, after which kubelet never calls again. A Secret can be corrected: Unavailable."""
    capacity = message.capacity_range or csi.CapacityRange()
    if capacity.required_bytes < 0 or capacity.limit_bytes < 0:
        raise errors.InvalidArgument("a size in capacity_range is negative")
    if 0 < capacity.limit_bytes < capacity.required_bytes:
        raise errors.InvalidArgument("capacity_range: the limit is below what is required")
    try:
        keys = _keys(message.secrets)
    except errors.InvalidArgument as error:
        raise errors.unavailable(error) from error
    capability = message.volume_capability
    return Expand(
        place=_place(message.volume_id, message.volume_path, "volume_path", message.staging_target_path),
        required_bytes=capacity.required_bytes,
        limit_bytes=capacity.limit_bytes,
        block=None if capability is None else capability.block is not None,
        keys=keys,
    )


def _place(volume_id: object, path: object, what: str, staging_path: str) -> VolumePath:
    return VolumePath(
        volume_id=request_fields.volume_id(volume_id),
        path=request_fields.published_path(path, what),
        staging_path=request_fields.path(staging_path, "staging_target_path") if staging_path else "",
    )


def _use(message: csi.VolumeCapability | None, context: Mapping[str, str]) -> Use:
    """Read how the volume is to be used. Raises InvalidArgument."""
    if message is None:
        raise errors.InvalidArgument("volume_capability is missing")
    mode = (
        "" if message.access_mode is None else (message.access_mode.mode.name or f"number {message.access_mode.mode}")
    )
    if message.mount is None:
        access = None if message.block is None else AccessType.BLOCK
        return capability.parse(Capability(mode, access), context)
    mount = message.mount
    asked = Capability(
        mode, AccessType.MOUNT, mount.fs_type, tuple(mount.mount_flags), mount_group=mount.volume_mount_group
    )
    return capability.parse(asked, context)


def _filesystem(use: Use) -> Filesystem | None:
    return Filesystem(use.fs_type, use.mount_flags, use.format) if use.fs_type else None


def _keys(secrets: Mapping[str, str]) -> Keys:
    """Read the passphrases; whether they are needed is known later. Raises InvalidArgument."""
    found = {name: secrets.get(name, "").encode() for name in (PASSPHRASE, OLD_PASSPHRASE)}
    for name, value in found.items():
        if value and not PASSPHRASE_BYTES[0] <= len(value) <= PASSPHRASE_BYTES[1]:
            raise errors.InvalidArgument(
                f"the secret {name} has less than {PASSPHRASE_BYTES[0]} or more than {PASSPHRASE_BYTES[1]} bytes",
                error_code=Code.WRONG_PASSPHRASE_LENGTH,
            )
    return Keys(found[PASSPHRASE], found[OLD_PASSPHRASE])


def _size(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise errors.InvalidArgument(f"publish_context: {text[:40]!r} is not a size in bytes")
    return int(text)

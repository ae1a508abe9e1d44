"""CSI messages become checked records here; whatever is malformed is refused before anything is asked of the cloud.

The decoder does not check types or lengths, so strings are looked at before they are used.
Source: CSI 1.13, the "Errors" table of each RPC.
"""

from collections.abc import Iterable, Mapping, Sequence

from common import encryption, errors
from common.context_keys import ENCRYPTION_PARAMETERS, FORMAT_PARAMETERS
from controller import records
from controller.rules import capabilities as ways
from controller.rules import capacity, labels, names, placement, sealed_context
from csi_proto.csi import v1 as csi

TAGS, ABSENT_TAGS = "tags", "absent-tags"
PROVISIONER_PREFIX = "csi.storage.k8s.io/"
FILE_SYSTEM = "fstype"
"""The file system in the classes that csi-digitalocean installs, in any case: external-provisioner puts it into the
capability, and passes the parameter on all the same."""
MUTABLE = frozenset({TAGS, ABSENT_TAGS})
LONGEST_VALUE = 4096


def create_volume(message: csi.CreateVolumeRequest, zone: str, cluster_labels: Sequence[str]) -> records.Create:
    """Check CreateVolume. Raises InvalidArgument, NotFound for a source that cannot exist, ResourceExhausted."""
    name = names.cloud_name(message.name, "volume")
    capabilities(message.volume_capabilities)
    of_class = labels.parse(message.parameters.get(TAGS, ""), message.parameters)
    wanted = (*cluster_labels, *of_class, *_new_labels(message))
    return records.Create(
        name=name,
        zone=_zone(message.accessibility_requirements, zone),
        size=_size(message.capacity_range),
        source=_source(message.volume_content_source),
        labels=tuple(dict.fromkeys(wanted)),
        context=_context(message.parameters),
    )


def volume_id(text: str) -> str:
    """Return the id of a volume that may exist. Raises InvalidArgument if none is named, NotFound if none can exist."""
    if not text:
        raise errors.InvalidArgument("the request names no volume")
    if not names.is_uuid(text):
        raise errors.NotFound(f"there is no volume {names.shown(text)}: the id is no UUID")
    return text


def snapshot_id(text: str) -> str:
    """Return the id of a snapshot that may exist. Raises InvalidArgument, NotFound."""
    if not text:
        raise errors.InvalidArgument("the request names no snapshot")
    if not names.is_uuid(text):
        raise errors.NotFound(f"there is no snapshot {names.shown(text)}: the id is no UUID")
    return text


def is_out_of_reach(message: csi.GetCapacityRequest, zone: str) -> bool:
    """Say whether capacity is asked for that can never be had: another zone, or a use that is not offered."""
    topology = message.accessible_topology
    elsewhere = topology is not None and not placement.includes(topology.segments, zone)
    return elsewhere or bool(problem(message.volume_capabilities))


def deletable(text: str, what: str) -> str | None:
    """Return the id to delete, or None if nothing with that id can exist. Raises InvalidArgument if none is named."""
    if not text:
        raise errors.InvalidArgument(f"the request names no {what}")
    return text if names.is_uuid(text) else None


def publish(message: csi.ControllerPublishVolumeRequest, driver_name: str) -> records.Attach:
    """Check ControllerPublishVolume. Raises InvalidArgument, NotFound."""
    if not message.volume_id or not message.node_id:
        raise errors.InvalidArgument("the request names no volume or no node")
    if message.volume_capability is None:
        raise errors.InvalidArgument("the request has no volume capability")
    capabilities([message.volume_capability])
    if message.readonly:
        raise errors.InvalidArgument(
            "the cloud attaches no volume read-only", remedy="mount it read-only on the node instead"
        )
    told = sealed_context.read(volume_id(message.volume_id), message.volume_context, driver_name)
    return records.Attach(message.volume_id, _server(message.node_id), told)


def unpublish(message: csi.ControllerUnpublishVolumeRequest) -> records.Detach:
    """Check ControllerUnpublishVolume; without a node it means whatever holds the volume. Raises as above."""
    found = volume_id(message.volume_id)
    return records.Detach(found, _server(message.node_id) if message.node_id else None)


def expand(message: csi.ControllerExpandVolumeRequest) -> records.Resize:
    """Check ControllerExpandVolume. Raises InvalidArgument, NotFound."""
    if message.capacity_range is None:
        raise errors.InvalidArgument("the request has no capacity range")
    access = None if message.volume_capability is None else _capability(message.volume_capability).access
    return records.Resize(volume_id(message.volume_id), _size(message.capacity_range), access)


def modify(message: csi.ControllerModifyVolumeRequest) -> records.Modify:
    """Check ControllerModifyVolume. Raises InvalidArgument, NotFound."""
    found = volume_id(message.volume_id)
    present, absent = _mutable(message.mutable_parameters)
    return records.Modify(found, present, absent)


def listing(max_entries: int, token: str) -> records.ListRequest:
    """Check what pages of lists are asked for. Raises InvalidArgument."""
    if max_entries < 0:
        raise errors.InvalidArgument(f"max_entries is negative: {max_entries}")
    return records.ListRequest(max_entries, token)


def take_snapshot(message: csi.CreateSnapshotRequest, zone: str, cluster_labels: Sequence[str]) -> records.TakeSnapshot:
    """Check CreateSnapshot. Raises InvalidArgument, NotFound, ResourceExhausted for another zone."""
    name = names.cloud_name(message.name, "snapshot")
    source = volume_id(message.source_volume_id)
    _zone(message.accessibility_requirements, zone)
    _known(message.parameters, {TAGS}, "snapshot parameter")
    wanted = (*cluster_labels, *labels.parse(message.parameters.get(TAGS, ""), message.parameters))
    return records.TakeSnapshot(name, source, tuple(dict.fromkeys(wanted)))


def capabilities(messages: Sequence[csi.VolumeCapability]) -> None:
    """Check the capabilities of a request that needs some. Raises InvalidArgument."""
    if not messages:
        raise errors.InvalidArgument("the request has no volume capability")
    if text := problem(messages):
        raise errors.InvalidArgument(text)


def problem(messages: Sequence[csi.VolumeCapability]) -> str:
    """Say which of the capabilities cannot be provided, and why; empty if all can."""
    return ways.first_problem([_capability(each) for each in messages])


def _capability(message: csi.VolumeCapability) -> ways.Capability:
    mode = (
        "" if message.access_mode is None else (message.access_mode.mode.name or f"number {message.access_mode.mode}")
    )
    if message.mount is not None:
        fs_type, flags = message.mount.fs_type, tuple(message.mount.mount_flags)
        return ways.Capability(mode, records.AccessType.MOUNT, fs_type, flags)
    return ways.Capability(mode, None if message.block is None else records.AccessType.BLOCK)


def _server(node_id: str) -> str:
    if not names.is_server_id(node_id):
        raise errors.NotFound(f"there is no node {names.shown(node_id)}: node ids are the ids of servers")
    return node_id


def _zone(message: csi.TopologyRequirement | None, zone: str) -> str:
    if message is None:
        return zone
    requisite = [each.segments for each in message.requisite]
    return placement.choose(requisite, [each.segments for each in message.preferred], zone)


def _size(message: csi.CapacityRange | None) -> records.Size:
    return records.Size() if message is None else capacity.check(_as_size(message))


def _as_size(message: csi.CapacityRange) -> records.Size:
    return records.Size(message.required_bytes, message.limit_bytes)


def _source(message: csi.VolumeContentSource | None) -> records.Source:
    if message is None:
        return records.BLANK
    if message.snapshot is not None:
        return records.Source(snapshot_id=_existing(message.snapshot.snapshot_id, "snapshot"))
    if message.volume is not None:
        return records.Source(volume_id=_existing(message.volume.volume_id, "volume"))
    raise errors.InvalidArgument("the content source names neither a snapshot nor a volume")


def _existing(source_id: str, what: str) -> str:
    if not source_id:
        raise errors.InvalidArgument(f"the content source names no {what}")
    if not names.is_uuid(source_id):
        raise errors.NotFound(f"there is no {what} {names.shown(source_id)} to copy: the id is no UUID")
    return source_id


def _new_labels(message: csi.CreateVolumeRequest) -> tuple[str, ...]:
    return _mutable(message.mutable_parameters)[0]


def _mutable(parameters: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    _known(parameters, MUTABLE, "mutable parameter")
    present, absent = labels.parse(parameters.get(TAGS, "")), labels.parse(parameters.get(ABSENT_TAGS, ""))
    if both := set(present) & set(absent):
        raise errors.InvalidArgument(f"tag {min(both)!r} shall be both present and absent")
    return present, absent


def _context(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of the StorageClass the node must know. Raises InvalidArgument for a parameter that nobody reads."""
    passed_on = FORMAT_PARAMETERS | ENCRYPTION_PARAMETERS
    ours = {key: value for key, value in parameters.items() if key.lower() != FILE_SYSTEM}
    _known(ours, {TAGS, *passed_on}, "parameter")
    encryption.parse(parameters)
    return {key: value for key, value in parameters.items() if key in passed_on}


def _known(parameters: Mapping[str, str], known: Iterable[str], what: str) -> None:
    for key, value in parameters.items():
        if len(key) + len(value) > LONGEST_VALUE:
            raise errors.InvalidArgument(f"{what} {names.shown(key)} is longer than {LONGEST_VALUE} characters")
        if key not in set(known) and not key.startswith(PROVISIONER_PREFIX):
            offered = ", ".join(sorted(known)) or "none"
            raise errors.InvalidArgument(f"unknown {what} {names.shown(key)}", remedy=f"known are: {offered}")

"""CSI messages become checked records here; whatever is malformed is refused before anything is asked of the cloud.

The decoder does not check types or lengths, so strings are looked at before they are used.
Source: CSI 1.13, the "Errors" table of each RPC.
"""

from collections.abc import Iterable, Mapping, Sequence

from common import capability, errors, format_parameters
from common.capability import AccessType, Capability, Use
from common.context_keys import ENCRYPTION_PARAMETERS, FORMAT_PARAMETERS
from controller import records
from controller.codes import Code
from controller.rules import capacity, labels, names, placement, sealed_context, temporary_snapshot
from csi_proto.csi import v1 as csi

TAGS, ABSENT_TAGS = "tags", "absent-tags"
PROVISIONER_PREFIX = "csi.storage.k8s.io/"
FILE_SYSTEM = "fstype"
"""The file system in the classes that csi-digitalocean installs, in any case: external-provisioner puts it into the
capability, and passes the parameter on all the same."""
MUTABLE = frozenset({TAGS, ABSENT_TAGS})
LONGEST_VALUE = 4096


def create_volume(message: csi.CreateVolumeRequest, scope: records.ControllerScope) -> records.Create:
    """Check CreateVolume. Raises InvalidArgument, ResourceExhausted."""
    name = names.cloud_name(message.name, "volume", scope.traits.names)
    uses = capabilities(message.volume_capabilities, message.parameters)
    source, size = _source(message.volume_content_source, scope), _size(message.capacity_range)
    _check_new(name, uses, source, size)
    zone, zones = _zones(f"volume {name}", message.accessibility_requirements, scope)
    of_class = labels.parse(message.parameters.get(TAGS, ""), scope.traits.labels, message.parameters)
    present, _ = _mutable(message.mutable_parameters, scope)
    return records.Create(
        name=name,
        zone=zone,
        zones=zones,
        size=size,
        source=source,
        labels=labels.merged(scope.labels, of_class, present),
        context=_context(message.parameters),
    )


def volume_id(text: str) -> str:
    """Return the id of a volume, which the cloud may know or not. Raises InvalidArgument."""
    return names.check_id(text, "volume")


def undone_id(text: str, what: str) -> str:
    """Return the id of what is to be undone, however odd: what can have no such id is gone. Raises InvalidArgument."""
    return text or names.check_id(text, what)


def snapshot_id(text: str) -> str:
    """Return the id of a snapshot, which the cloud may know or not. Raises InvalidArgument."""
    return names.check_id(text, "snapshot")


def capacity_zone(message: csi.GetCapacityRequest, scope: records.ControllerScope) -> str | None:
    """Return the zone of which capacity is asked; None if it can never be had there, or not for that use."""
    if problem(message.volume_capabilities, message.parameters):
        return None
    topology = message.accessible_topology
    zone = (
        scope.zone
        if topology is None or not topology.segments
        else placement.zone_of(topology.segments, scope.facts.zone_key)
    )
    return zone if scope.traits.several_zones or zone == scope.zone else None


def publish(message: csi.ControllerPublishVolumeRequest, driver_name: str) -> records.Attach:
    """Check ControllerPublishVolume. Raises InvalidArgument."""
    volume, node = volume_id(message.volume_id), names.check_id(message.node_id, "node")
    if message.volume_capability is None:
        raise errors.InvalidArgument("the request has no volume capability")
    capabilities([message.volume_capability], message.volume_context)
    if message.readonly:
        raise errors.InvalidArgument(
            f"volume {volume} is asked for read-only, and the cloud attaches for writing alone",
            remedy="take readOnly out of the PersistentVolume's csi section; let the pod's volumeMount be readOnly",
            error_code=Code.READ_ONLY,
        )
    return records.Attach(volume, node, sealed_context.read(volume, message.volume_context, driver_name))


def unpublish(message: csi.ControllerUnpublishVolumeRequest) -> records.Detach:
    """Check ControllerUnpublishVolume; without a node it means whatever holds the volume. Raises InvalidArgument."""
    return records.Detach(undone_id(message.volume_id, "volume"), message.node_id or None)


def expand(message: csi.ControllerExpandVolumeRequest) -> records.Resize:
    """Check ControllerExpandVolume. Raises InvalidArgument, NotFound."""
    if message.capacity_range is None:
        raise errors.InvalidArgument("the request has no capacity range")
    access = None if message.volume_capability is None else _capability(message.volume_capability).access
    return records.Resize(volume_id(message.volume_id), _size(message.capacity_range), access)


def modify(message: csi.ControllerModifyVolumeRequest, scope: records.ControllerScope) -> records.Modify:
    """Check ControllerModifyVolume. Raises InvalidArgument."""
    found = volume_id(message.volume_id)
    present, absent = _mutable(message.mutable_parameters, scope)
    return records.Modify(found, present, absent)


def listing(max_entries: int, token: str) -> records.ListRequest:
    """Check what pages of lists are asked for. Raises InvalidArgument."""
    if max_entries < 0:
        raise errors.InvalidArgument(f"max_entries is negative: {max_entries}")
    return records.ListRequest(max_entries, token)


def take_snapshot(message: csi.CreateSnapshotRequest, scope: records.ControllerScope) -> records.TakeSnapshot:
    """Check CreateSnapshot. Raises InvalidArgument, ResourceExhausted for another zone."""
    name = names.cloud_name(message.name, "snapshot", scope.traits.names, temporary_snapshot.PREFIX)
    source = volume_id(message.source_volume_id)
    _zones(f"snapshot {name}", message.accessibility_requirements, scope)
    _known(message.parameters, {TAGS}, "snapshot parameter")
    of_class = labels.parse(message.parameters.get(TAGS, ""), scope.traits.labels, message.parameters)
    return records.TakeSnapshot(name, source, labels.merged(scope.labels, of_class))


def capabilities(messages: Sequence[csi.VolumeCapability], parameters: Mapping[str, str]) -> list[Use]:
    """Check the capabilities of a request that needs some. Raises InvalidArgument."""
    if not messages:
        raise errors.InvalidArgument("the request has no volume capability")
    return [capability.parse(_capability(each), parameters) for each in messages]


def problem(messages: Sequence[csi.VolumeCapability], parameters: Mapping[str, str]) -> str:
    """Say which of the capabilities cannot be provided, and why; empty if all can."""
    try:
        for each in messages:
            capability.parse(_capability(each), parameters)
    except errors.InvalidArgument as error:
        return str(error)
    return ""


def _check_new(name: str, uses: Sequence[Use], source: records.Source, size: records.Size) -> None:
    """Raise InvalidArgument for a volume that no node could ever make a file system on."""
    for use in uses:
        if not use.fs_type:
            continue
        format_parameters.check_size(use.fs_type, use.format, size.required)
        if use.read_only and source == records.BLANK:
            raise errors.InvalidArgument(
                f"volume {name} would be blank, and is to be mounted read-only: no file system could be made on it",
                remedy="take 'ro' out of mountOptions in the StorageClass; make the mount of the pod read-only",
                error_code=Code.READ_ONLY,
            )


def _capability(message: csi.VolumeCapability) -> Capability:
    mode = (
        "" if message.access_mode is None else (message.access_mode.mode.name or f"number {message.access_mode.mode}")
    )
    if message.mount is not None:
        mount = message.mount
        flags = tuple(mount.mount_flags)
        return Capability(mode, AccessType.MOUNT, mount.fs_type, flags, mount.volume_mount_group)
    return Capability(mode, None if message.block is None else AccessType.BLOCK)


def _zones(
    what: str, message: csi.TopologyRequirement | None, scope: records.ControllerScope
) -> tuple[str, tuple[str, ...]]:
    """Return where to make it, and where it may be."""
    message = message or csi.TopologyRequirement()
    requisite, preferred = ([each.segments for each in some] for some in (message.requisite, message.preferred))
    allowed = placement.allowed(requisite, preferred, scope.facts.zone_key)
    return placement.choose(what, allowed, scope.zone, several=scope.traits.several_zones), allowed


def _size(message: csi.CapacityRange | None) -> records.Size:
    return records.Size() if message is None else capacity.check(_as_size(message))


def _as_size(message: csi.CapacityRange) -> records.Size:
    return records.Size(message.required_bytes, message.limit_bytes)


def _source(message: csi.VolumeContentSource | None, scope: records.ControllerScope) -> records.Source:
    if message is None:
        return records.BLANK
    if scope.traits.snapshots is None:
        raise errors.InvalidArgument(
            "a content source is given, and this cloud makes no copies of volumes",
            remedy="take dataSource out of the claim: it gets a blank volume",
        )
    if message.snapshot is not None:
        return records.Source(snapshot_id=snapshot_id(message.snapshot.snapshot_id))
    if message.volume is not None:
        return records.Source(volume_id=volume_id(message.volume.volume_id))
    raise errors.InvalidArgument("the content source names neither a snapshot nor a volume")


def _mutable(parameters: Mapping[str, str], scope: records.ControllerScope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that shall be there, and those that shall not."""
    _known(parameters, MUTABLE, "mutable parameter")
    present, absent = (labels.parse(parameters.get(key, ""), scope.traits.labels) for key in (TAGS, ABSENT_TAGS))
    if both := set(absent) - set(labels.missing(absent, present)):
        raise errors.InvalidArgument(f"tag {min(both)!r} shall be both present and absent", error_code=Code.PARAMETERS)
    return present, absent


def _context(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of the StorageClass the node must know. Raises InvalidArgument for a parameter that no one reads."""
    passed_on = FORMAT_PARAMETERS | ENCRYPTION_PARAMETERS
    ours = {key: value for key, value in parameters.items() if key.lower() != FILE_SYSTEM}
    _known(ours, {TAGS, *passed_on}, "parameter")
    return {key: value for key, value in parameters.items() if key in passed_on}


def _known(parameters: Mapping[str, str], known: Iterable[str], what: str) -> None:
    for key, value in parameters.items():
        if len(key) + len(value) > LONGEST_VALUE:
            raise errors.InvalidArgument(
                f"{what} {names.shown(key)} is longer than {LONGEST_VALUE} characters", error_code=Code.PARAMETERS
            )
        if key not in set(known) and not key.startswith(PROVISIONER_PREFIX):
            offered = ", ".join(sorted(known)) or "none"
            raise errors.InvalidArgument(
                f"unknown {what} {names.shown(key)}", remedy=f"known are: {offered}", error_code=Code.PARAMETERS
            )

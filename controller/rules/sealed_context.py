"""What the volume context tells of a volume, so that whoever attaches it need not ask the cloud for its name.

Whoever attaches may be another process than the one that made the volume. The context is written at create and kept in
the PersistentVolume, where a person may copy it to another volume, or change it. A wrong name would lead the node to
another volume's device, so name and size are believed only with a seal that fits them and the volume's id. It guards
against mistakes: who may write PersistentVolumes may name any volume anyway. Volumes without it are asked for.
"""

import hashlib
from collections.abc import Mapping

from common.context_keys import volume_name_key, volume_seal_key, volume_size_key
from controller.cloud.records import Volume
from controller.records import PublishContext

SEAL_DIGITS = 16


def write(volume: Volume, driver_name: str) -> dict[str, str]:
    """Return what the volume context shall tell of the volume."""
    size = str(volume.size_bytes)
    return {
        volume_name_key(driver_name): volume.name,
        volume_size_key(driver_name): size,
        volume_seal_key(driver_name): _seal(volume.id, volume.name, size),
    }


def read(volume_id: str, context: Mapping[str, str], driver_name: str) -> PublishContext | None:
    """Return what the context tells of that volume; None if it tells nothing, or not of this volume.

    The size is that at create: the volume may have grown since.
    """
    keys = volume_name_key(driver_name), volume_size_key(driver_name), volume_seal_key(driver_name)
    name, size, seal = (context.get(key, "") for key in keys)
    return PublishContext(name, int(size)) if seal and seal == _seal(volume_id, name, size) else None


def _seal(volume_id: str, name: str, size: str) -> str:
    return hashlib.sha256(f"{volume_id}\n{name}\n{size}".encode()).hexdigest()[:SEAL_DIGITS]

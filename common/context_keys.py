"""The keys of volume context and publish context: what the controller tells the node of a volume.

``<driver>/volume-name`` and the ``noformat`` keys are those of csi-digitalocean 4.16, so its volumes and attachments
keep working; the others are new, and an attachment without them is no error.
"""

NOFORMAT_KEYS = ("dobs.csi.digitalocean.com/noformat", "com.digitalocean.csi.dobs/noformat")
"""Present in the volume context, with whatever value: the volume is never formatted."""


def volume_name_key(driver_name: str) -> str:
    """Publish context: the volume's name in the cloud, which the device carries. In volume context, too."""
    return f"{driver_name}/volume-name"


def volume_size_key(driver_name: str) -> str:
    """Publish context: the volume's size in bytes, which the device has at least. In volume context: at create."""
    return f"{driver_name}/volume-size-bytes"


def volume_seal_key(driver_name: str) -> str:
    """Volume context: what shows that name and size are those of the volume with this id, and of no other."""
    return f"{driver_name}/volume-seal"


def volume_origin_key(driver_name: str) -> str:
    """Volume context: ``snapshot`` or ``volume`` if the volume was made from one, and so is never formatted."""
    return f"{driver_name}/volume-origin"


FORMAT_PARAMETERS = frozenset({"blockSize", "inodeSize", "bytesPerInode", "reservedPercent", "label"})
"""StorageClass parameters on how a file system is made: the controller passes them on in the volume context."""

ENCRYPTION_PARAMETERS = frozenset(
    {"encryption", "encryptionCipher", "encryptionKeySize", "encryptionSectorSize", "encryptionDiscards"}
    | {"encryptionPbkdf", "encryptionPbkdfMemory", "encryptionPbkdfIterations"}
)
"""StorageClass parameters on encryption (``common.encryption`` reads them); passed on in the same way."""

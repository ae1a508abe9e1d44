"""What keeps a volume from a node, and what an attach or a detach has come to whose answer does not tell.

Sources: CSI 1.13 "ControllerPublishVolume", "ControllerUnpublishVolume".
"""

from common import errors
from controller.cloud.cloud_errors import AlreadyAttached, Gone, NotAttached, OddAnswer
from controller.cloud.records import Volume
from controller.codes import Code
from controller.records import Attach


def check_name(volume: Volume, wanted: Attach) -> None:
    """Raise Unavailable for a volume of another name than it was made with: the node finds the disk by its name."""
    if wanted.told is not None and wanted.told.volume_name != volume.name:
        raise OddAnswer(
            f"volume {volume.id} was made as {wanted.told.volume_name}, and the cloud shows it as {volume.name}"
        )


def is_held(volume: Volume, server_id: str) -> bool:
    """Tell whether that server holds the volume. Raises FailedPrecondition if another one does."""
    if volume.server_ids and server_id not in volume.server_ids:
        raise errors.FailedPrecondition(
            f"volume {volume.id} is attached to node {', '.join(volume.server_ids)}",
            remedy="it can be attached elsewhere once it is detached from there",
            error_code=Code.ATTACHED_ELSEWHERE,
        )
    return server_id in volume.server_ids


def check_attached(volume: Volume, server_id: str, error: errors.DriverError) -> None:
    """Raise what an attach that was answered with ``error`` has come to, unless the volume is where it should be."""
    if isinstance(error, AlreadyAttached):
        if not is_held(volume, server_id):
            raise errors.unavailable(error)
    elif server_id not in volume.server_ids:
        raise error


def check_detached(volume: Volume, server_id: str, error: errors.DriverError) -> None:
    """Raise what a detach that was answered with ``error`` has come to, unless the server has lost the volume."""
    if server_id not in volume.server_ids:
        return
    if not isinstance(error, (Gone, NotAttached)):
        raise error
    raise errors.Unavailable(
        f"volume {volume.id} is still on node {server_id}; the cloud says: {error.message}",
        error_code=Code.NOT_SHOWN_YET,
    )

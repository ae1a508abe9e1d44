"""Replace the passphrase of an encrypted volume, so that at every moment the old or the new one opens it.

The new one is added and proven before the old one is removed, and each step is found done when it is repeated.
"""

import structlog

from common import errors
from common.encryption import Encryption
from node.codes import Code
from node.formats import cryptsetup_argv
from node.host.devices import Device
from node.host.luks import Luks
from node.records.requests import Keys, VolumeSpec

log = structlog.get_logger()


async def choose(luks: Luks, volume: VolumeSpec, disk: Device, keys: Keys) -> bytes:
    """Return the passphrase to open the volume with; nothing is written."""
    if not keys.old or keys.old == keys.passphrase or await luks.opens(volume.id, disk, keys.passphrase):
        return keys.passphrase
    return keys.old


async def settle(luks: Luks, volume: VolumeSpec, wanted: Encryption, disk: Device, keys: Keys) -> bytes:
    """Return the passphrase to open the volume with; the one before opens it no longer.

    Raises FailedPrecondition if neither opens it. Without an old one nothing is tried here.
    """
    if not keys.old or keys.old == keys.passphrase:
        return keys.passphrase
    is_new = await luks.opens(volume.id, disk, keys.passphrase)
    is_old = await luks.opens(volume.id, disk, keys.old)
    if not is_new and not is_old:
        raise cryptsetup_argv.wrong_key(volume.id)
    if not is_new:
        await luks.add_key(volume.id, wanted, disk, keys.old, keys.passphrase)
        if not await luks.opens(volume.id, disk, keys.passphrase):
            raise errors.Unavailable(
                f"the new passphrase of volume {volume.id} was added, and does not open it",
                error_code=Code.HEADER_CHANGED,
            )
    if is_old:
        await luks.remove_key(volume.id, disk, keys.old)
        log.info("passphrase_replaced", volume_id=volume.id)
    return keys.passphrase

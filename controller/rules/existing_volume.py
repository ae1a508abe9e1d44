"""Whether a volume of the wanted name is the volume that is wanted, decided without I/O.

Source: CSI 1.13 "CreateVolume" (ALREADY_EXISTS: incompatible with the request).
"""

from common import errors
from controller.cloud.records import Volume
from controller.codes import Code
from controller.records import Create
from controller.rules import capacity


def check_existing(wanted: Create, existing: Volume, smallest_bytes: int) -> None:
    """Raise AlreadyExists if the volume that has the name does not fit.

    A copy may still have the size of its source, ``smallest_bytes``: it is grown by the call that made it, or the next.
    """
    if existing.origin not in {None, wanted.source}:  # None: the cloud does not tell, and the volume is let pass
        raise errors.AlreadyExists(
            f"volume {wanted.name} exists and was made of {existing.origin}, not of {wanted.source}",
            remedy="use another name",
            error_code=Code.NAME_TAKEN,
        )
    if existing.zone not in {wanted.zone, *wanted.zones}:
        raise errors.AlreadyExists(
            f"volume {wanted.name} exists in zone {existing.zone}; asked for is"
            f" {', '.join(wanted.zones) or wanted.zone}",
            remedy="use another name",
            error_code=Code.NAME_TAKEN,
        )
    if capacity.fits(wanted.size, existing.size_bytes):
        return
    half_made = wanted.source.origin and existing.size_bytes < wanted.size.required and smallest_bytes
    if half_made and existing.size_bytes <= smallest_bytes:
        return
    raise errors.AlreadyExists(
        f"volume {wanted.name} exists with {existing.size_bytes} bytes; asked for are at least {wanted.size.required}"
        f" and at most {wanted.size.limit or 'any number of'} bytes",
        remedy="use another name, or expand the volume",
        error_code=Code.NAME_TAKEN,
    )

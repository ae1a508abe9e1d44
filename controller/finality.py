"""What may be answered once something was done: nothing final.

The sidecars take a refusal for "nothing was done": external-provisioner forgets the volume then, and no one deletes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from common import errors
from controller.cloud.records import ActionState, Progress
from controller.codes import Code


@contextmanager
def not_final(done: str) -> Iterator[None]:
    """Turn a refusal inside into an answer that lets the caller come again; ``done`` says what was done before."""
    try:
        yield
    except errors.Refused as refused:
        raise errors.unavailable(refused, f"{done}, but: {refused.message}") from refused


def not_shown(kind: str, name: str, error: errors.DriverError) -> errors.DriverError:
    """Return what to answer where a ``name`` is taken and no list shows by what: it may be what was asked for.

    An answer that was lost (``error``) stays what it is.
    """
    if isinstance(error, errors.NotFinal):
        return error
    return errors.Unavailable(
        f"the name {name} is taken, but the cloud shows no {kind} of that name yet", error_code=Code.NOT_SHOWN_YET
    )


def must_be_done(ended: Progress | None, volume_id: str) -> None:
    """Raise Unavailable unless the action has ended well, with what the cloud says of it."""
    if ended is None or ended.state is ActionState.COMPLETED:
        return
    what = f"{ended.action.kind.value} {ended.action.id} of volume {volume_id}"
    if ended.state is ActionState.FORGOTTEN:
        raise errors.Unavailable(
            f"the cloud does not know {what} any more",
            remedy="none needed: it is tried again",
            error_code=Code.ACTION_FAILED,
        )
    raise errors.Unavailable(
        f"{what} failed in the cloud: {ended.error or 'it does not say why'}",
        remedy="it is tried again; if it fails again, ask the cloud's support with the number of the action",
        error_code=Code.ACTION_FAILED,
    )

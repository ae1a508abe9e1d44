"""The answers of a cloud that are no success, as its protocol names them."""

from common import errors


class Gone(errors.NotFound):
    """The cloud knows nothing of that id."""


class NameTaken(errors.AlreadyExists):
    """The name belongs to something that exists already."""


class InUse(errors.FailedPrecondition):
    """The volume cannot be deleted while it is attached."""


class AlreadyAttached(errors.FailedPrecondition):
    """The volume is attached; the cloud does not say to whom."""


class NotAttached(errors.FailedPrecondition):
    """The volume is not attached to the server that was named."""


class EventPending(errors.Busy):
    """The server or the volume has an event under way, and takes no second one."""


class ServerFull(errors.ResourceExhausted):
    """The server holds as many volumes as it may."""


class AccountFull(errors.ResourceExhausted):
    """The account holds as many volumes as it may."""


class SnapshotLimit(errors.ResourceExhausted):
    """The volume has as many snapshots as it may, or had one too short a time ago."""

"""The answers of a cloud that are no success, as its protocol names them."""

from common import errors
from controller.codes import Code


class Gone(errors.NotFound):
    """The cloud knows nothing of that id."""

    default_code = Code.VOLUME_GONE


class LookRefused(errors.Unavailable):
    """The cloud lets us not look, which tells nothing of what was done: a change before may be there."""


class LookForbidden(LookRefused):
    """The token has no scope for that look."""

    default_code = Code.TOKEN_SCOPES


class OddAnswer(errors.OutcomeUnknown):
    """The answer is not about what was asked for, or contradicts itself or an earlier one."""

    default_code = Code.ANSWER_ODD


class NameTaken(errors.AlreadyExists):
    """The name belongs to something that exists already."""

    default_code = Code.NAME_TAKEN


class InUse(errors.FailedPrecondition):
    """The volume cannot be deleted while it is attached."""

    default_code = Code.STILL_ATTACHED


class AlreadyAttached(errors.FailedPrecondition):
    """The volume is attached; the cloud does not say to whom."""

    default_code = Code.ATTACHED_ELSEWHERE


class NotAttached(errors.FailedPrecondition):
    """The volume is not attached to the server that was named."""

    default_code = Code.NOT_ATTACHED


class EventPending(errors.Busy):
    """The server or the volume has an event under way, and takes no second one."""

    default_code = Code.EVENT_PENDING


class ServerFull(errors.ResourceExhausted):
    """The server holds as many volumes as it may."""

    default_code = Code.SERVER_FULL


class AccountFull(errors.ResourceExhausted):
    """The account holds as many volumes as it may."""

    default_code = Code.ACCOUNT_FULL


class SnapshotLimit(errors.ResourceExhausted):
    """The volume has as many snapshots as it may, or had one too short a time ago."""

    default_code = Code.SNAPSHOT_LIMIT

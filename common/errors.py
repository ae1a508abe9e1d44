"""What can go wrong, as the CSI sidecars read it: refused for good, or not final.

A sidecar takes some status codes as final ("nothing was done, nothing is in progress") and gives up or cleans up; it
repeats the call on the others. So every error has one of two roots, and each class names its status once. INTERNAL and
UNKNOWN are in no class: the sidecars read both as final, and leak what may still be under way.

Sources: CSI 1.13 "Error Scheme"; external-provisioner 6.4 and external-attacher 4.13 (which codes are final).
"""

from collections.abc import Iterator
from typing import ClassVar

from grpclib.const import Status

from common.codes import Code, ErrorCode


class DriverError(Exception):
    """An error that a caller may see. ``remedy`` tells the operator what to do about it; if empty, that of its code.

    ``reason`` is a stable CamelCase word for what volume health tells of it; empty: nothing more than the step.
    ``error_code`` is one of a ``codes`` module, for docs/reference/codes.md.
    """

    status: ClassVar[Status]
    default_code: ClassVar[ErrorCode] = Code.NOT_FINAL

    def __init__(
        self, message: str, *, remedy: str = "", reason: str = "", error_code: ErrorCode | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.error_code = error_code or self.default_code
        self.remedy = remedy or self.error_code.remedy

    def __str__(self) -> str:
        return f"{self.message} (remedy: {self.remedy})"

    @property
    def coded(self) -> str:
        """What a person is told outside of the log: in events, and in volume health."""
        return f"{self.error_code}: {self}"


class Refused(DriverError):
    """Nothing was done, and the same call will be refused again."""

    status = Status.FAILED_PRECONDITION
    default_code: ClassVar[ErrorCode] = Code.REFUSED


class InvalidArgument(Refused):
    """The request itself is wrong: a field is missing, malformed or contradicts another one."""

    status = Status.INVALID_ARGUMENT
    default_code: ClassVar[ErrorCode] = Code.MALFORMED_REQUEST


class NotFound(Refused):
    """What the request names does not exist."""

    status = Status.NOT_FOUND


class AlreadyExists(Refused):
    """The name, path or attachment is taken by something that does not fit the request."""

    status = Status.ALREADY_EXISTS


class FailedPrecondition(Refused):
    """The request is well formed, but the state of the volume or the host forbids it."""

    status = Status.FAILED_PRECONDITION


class OutOfRange(Refused):
    """A size, or another number, that the cloud cannot provide."""

    status = Status.OUT_OF_RANGE


class ResourceExhausted(Refused):
    """A limit is reached: volumes of the account, volumes of a node, snapshots of a volume."""

    status = Status.RESOURCE_EXHAUSTED


class Unimplemented(Refused):
    """The driver does not offer this, on purpose."""

    status = Status.UNIMPLEMENTED
    default_code: ClassVar[ErrorCode] = Code.NOT_OFFERED


class NotFinal(DriverError):
    """It may have been done, so the caller must call again. An exception that was not foreseen becomes this too."""

    status = Status.UNAVAILABLE


class OutcomeUnknown(NotFinal):
    """A request or a program was started, and whether it took effect is not known."""


class Unavailable(NotFinal):
    """Something that is needed does not answer, or does not answer now; nothing was started."""


class Busy(NotFinal):
    """Another call works on the same volume, path or snapshot."""

    status = Status.ABORTED
    default_code: ClassVar[ErrorCode] = Code.BUSY


class StaleToken(NotFinal):
    """A list token that cannot be honoured: the caller must start the list again (CSI 1.13 "ListVolumes Errors")."""

    status = Status.ABORTED
    default_code: ClassVar[ErrorCode] = Code.STALE_LIST


class DeadlineExceeded(NotFinal):
    """The caller's time ran out, or would run out before an answer is possible."""

    status = Status.DEADLINE_EXCEEDED
    default_code: ClassVar[ErrorCode] = Code.OUT_OF_TIME


def unavailable(error: DriverError, message: str = "") -> Unavailable:
    """Return ``error`` as one after which the caller comes again, with the same code and remedy."""
    return Unavailable(message or error.message, remedy=error.remedy, error_code=error.error_code)


def fields(error: BaseException) -> dict[str, str]:
    """Return what a log line says of ``error``; what is empty is left out."""
    told = {"error_class": type(error).__name__, "message": str(error)}
    if isinstance(error, DriverError):
        told |= {"error_code": error.error_code.value, "message": error.message, "remedy": error.remedy}
    return {name: text for name, text in told.items() if text}


def tree(root: type[DriverError] = DriverError) -> Iterator[type[DriverError]]:
    """Yield every class below ``root`` that is imported, parents before children; for the reference page and tests."""
    for kind in root.__subclasses__():
        yield kind
        yield from tree(kind)

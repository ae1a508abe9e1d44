"""What the API refuses, and in which words: each function makes one error that the original gives.

The words matter: clients tell the cases apart by them. Source: DigitalOcean API, and what csi-digitalocean 4.16 reads.
"""


class Problem(Exception):
    """An answer that is an error: HTTP status, machine-readable id, and a sentence for people."""

    def __init__(self, status: int, kind: str, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.retry_after = retry_after  # the header as it is sent


def bad_request(message: str) -> Problem:
    """The request cannot be read: it is not JSON, or a path segment is not of its type."""
    return Problem(400, "bad_request", message)


def unauthorized() -> Problem:
    """The token is missing or wrong."""
    return Problem(401, "Unauthorized", "Unable to authenticate you")


def capacity_exceeded() -> Problem:
    """The account has as many volumes as it may have."""
    return Problem(403, "forbidden", "failed to create volume: volume/snapshot capacity limit exceeded")


def not_found() -> Problem:
    """The volume, droplet, action, snapshot or tag is not there; which of them is never said."""
    return Problem(404, "not_found", "The resource you were accessing could not be found.")


def conflict(message: str) -> Problem:
    """The request contradicts what is there: a name that is taken, a volume that is attached."""
    return Problem(409, "conflict", message)


def unprocessable(message: str) -> Problem:
    """The request is well formed, but cannot be carried out."""
    return Problem(422, "unprocessable_entity", message)


def already_attached() -> Problem:
    """The volume is attached; to which droplet is not said."""
    return unprocessable("This volume is already attached")


def not_attached() -> Problem:
    """The volume is not attached to that droplet: to none, or to another one."""
    return unprocessable("Attachment not found")


def droplet_busy() -> Problem:
    """A droplet has one event at a time."""
    return unprocessable("Droplet already has a pending event.")


def volume_busy() -> Problem:
    """A volume has one action at a time."""
    return unprocessable("Volume already has a pending event.")


def droplet_full(limit: int) -> Problem:
    """The droplet has as many volumes as it may have; when that were 7, until August 2024, the text was another one."""
    if limit == 7:
        return unprocessable("cannot attach more than 7 volumes to a single Droplet")
    return unprocessable("cannot attach more volumes to the Droplet")


def too_many_requests(retry_after_seconds: int | None) -> Problem:
    """The budget of the hour or of the minute is spent; only for the minute it is said when to come back."""
    retry_after = None if retry_after_seconds is None else str(retry_after_seconds)
    return Problem(429, "too_many_requests", "API Rate limit exceeded.", retry_after)


def early_snapshot(interval_seconds: float) -> Problem:
    """The volume had a snapshot a moment ago: this one request is refused, and the budget has nothing to do with it."""
    minutes, seconds = divmod(round(interval_seconds), 60)
    interval = f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
    message = f"failed to create snapshot: this operation is rate-limited - one request per {interval}"
    return Problem(429, "too_many_requests", message)

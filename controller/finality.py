"""What may be answered once something was done: nothing final.

The sidecars take a refusal for "nothing was done": external-provisioner forgets the volume then, and no one deletes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from common import errors


@contextmanager
def not_final(done: str) -> Iterator[None]:
    """Turn a refusal inside into an answer that lets the caller come again; ``done`` says what was done before."""
    try:
        yield
    except errors.Refused as refused:
        raise errors.unavailable(refused, f"{done}, but: {refused.message}") from refused

"""The API token: given by the environment, or by a file that may change while the process runs.

The token never appears in a log, an error or a repr.
"""

import errno
import os
import re
import stat
from collections import deque
from pathlib import Path

from common import errors, redaction
from controller.codes import Code

TOKEN = re.compile(r"[!-~]+")  # what a header can carry
LONGEST = 4096  # bytes
REMEMBERED = 4  # so many replaced tokens are still blanked in logs


class Token:
    """Where the token comes from. ``text`` if it is fixed, else the file that holds it."""

    def __init__(self, text: str = "", file: Path | None = None) -> None:
        self._text = text.strip()
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._blanked: deque[str] = deque()

    def __repr__(self) -> str:
        return f"Token(file={str(self._file)!r})" if self._file else "Token(from the environment)"

    def __str__(self) -> str:
        return f"from the file {self._file}" if self._file else "from AIOCSI_TOKEN"

    def current(self) -> str:
        """Return the token; a file is read again when it has changed. Raises Unavailable if it cannot be read."""
        if self._file is not None:
            self._refresh(self._file)
        if not self._text:
            raise errors.Unavailable(
                "there is no API token", remedy="set AIOCSI_TOKEN or AIOCSI_TOKEN_FILE", error_code=Code.TOKEN_MISSING
            )
        if not TOKEN.fullmatch(self._text):
            raise errors.Unavailable(
                "AIOCSI_TOKEN holds no token",
                remedy="set it to one word of ASCII letters",
                error_code=Code.TOKEN_MISSING,
            )
        return self._text

    def doubt(self) -> None:
        """Read the file again at the next request, though it looks unchanged: the API has refused the token."""
        self._stamp = None

    def _refresh(self, file: Path) -> None:
        try:
            stamp, raw = _read(file, self._stamp)
        except OSError as error:
            raise errors.Unavailable(
                f"the token file {file} cannot be read: {error.strerror or type(error).__name__}",
                remedy="check that the secret is mounted",
                error_code=Code.TOKEN_MISSING,
            ) from None
        if raw is None:
            return
        text = raw.decode(errors="replace").strip()
        if not text:
            raise errors.Unavailable(
                f"the token file {file} is empty", remedy="put the token into the secret", error_code=Code.TOKEN_MISSING
            )
        if len(raw) > LONGEST or not TOKEN.fullmatch(text):
            raise errors.Unavailable(
                f"the file {file} holds no token",
                remedy="put one line of ASCII letters into it",
                error_code=Code.TOKEN_MISSING,
            )
        self._blank(text)
        self._text, self._stamp = text, stamp

    def _blank(self, text: str) -> None:
        """Blank the token in all logs. A replaced one may still be let in for a while, so it stays blanked."""
        redaction.register(text)
        if text not in self._blanked:
            self._blanked.append(text)
        if len(self._blanked) > REMEMBERED:
            redaction.forget(self._blanked.popleft())


def _read(file: Path, known: tuple[int, int, int] | None) -> tuple[tuple[int, int, int], bytes | None]:
    """Return the file's stamp, and what it holds if the stamp is not the known one. Never waits. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as opened:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        stamp = (about.st_mtime_ns, about.st_ino, about.st_size)
        return stamp, None if stamp == known else opened.read(LONGEST + 1)

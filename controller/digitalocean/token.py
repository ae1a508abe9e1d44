"""The API token: given by the environment, or by a file that may change while the process runs.

The token never appears in a log, an error or a repr.
"""

import re
from pathlib import Path

import structlog

from common import errors, redaction

log = structlog.get_logger("token")

TOKEN = re.compile(r"[!-~]+")  # what a header can carry


class Token:
    """Where the token comes from. ``text`` if it is fixed, else the file that holds it."""

    def __init__(self, text: str = "", file: Path | None = None) -> None:
        self._text = text.strip()
        self._file = file
        self._stamp: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        return f"Token(file={str(self._file)!r})" if self._file else "Token(from the environment)"

    def current(self) -> str:
        """Return the token; a file is read again when it has changed. Raises Unavailable if it cannot be read."""
        if self._file is not None:
            self._refresh(self._file)
        if not self._text:
            raise errors.Unavailable("there is no API token", remedy="set AIOCSI_TOKEN or AIOCSI_TOKEN_FILE")
        return self._text

    def look(self) -> None:
        """Log what is wrong with the token, if something is: at the start, before the first call would tell it."""
        try:
            self.current()
        except errors.Unavailable as error:
            log.warning("no_token", error=error.message, remedy=error.remedy)

    def doubt(self) -> None:
        """Read the file again at the next request, though it looks unchanged: the API has refused the token."""
        self._stamp = None

    def _refresh(self, file: Path) -> None:
        try:
            about = file.stat()
            stamp = (about.st_mtime_ns, about.st_ino, about.st_size)
            if stamp == self._stamp:
                return
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Unavailable(
                f"the token file {file} cannot be read: {type(error).__name__}",
                remedy="check that the secret is mounted",
            ) from None
        if text and not TOKEN.fullmatch(text):
            raise errors.Unavailable(f"the file {file} holds no token", remedy="put one line of ASCII letters into it")
        redaction.register(text)
        self._text, self._stamp = text, stamp

"""A Unix socket that this process alone listens on.

Binding a path that another process serves would steal its calls without a word (asyncio does so), and two drivers on
one host would not notice each other. So a lock beside the socket decides, a connection attempt finds a live server
that takes no lock, and what is removed at the end is only what this process put there.

Sources: unix(7) (107 bytes of path), flock(2).
"""

import fcntl
import os
import socket
import stat
from pathlib import Path

import structlog

from common import errors
from common.codes import Code

LONGEST_PATH = 107  # bytes
_REMEDY = "check that its directory is mounted (hostPath), can be written, and belongs to this driver"
BACKLOG = 1024  # connections that the kernel keeps until they are accepted; one more is refused

log = structlog.get_logger()


class EndpointError(errors.Refused):
    """The socket cannot be served; the process cannot start."""

    default_code = Code.ENDPOINT


class EndpointTaken(EndpointError):
    """Another process serves the socket; it may end."""


def parse(endpoint: str) -> Path:
    """Return the path in ``unix:///path``, ``unix:/path`` or a bare absolute path. Raises EndpointError."""
    text = endpoint
    for prefix in ("unix://", "unix:"):
        if endpoint.startswith(prefix):
            text = endpoint.removeprefix(prefix)
            break
    if not text.startswith("/"):
        raise EndpointError(f"endpoint {endpoint!r} is not an absolute path", remedy="write it as unix:///csi/csi.sock")
    if "\0" in text or text.endswith("/"):
        raise EndpointError(f"endpoint {endpoint!r} names no file", remedy="write it as unix:///csi/csi.sock")
    if len(os.fsencode(text)) > LONGEST_PATH:
        raise EndpointError(
            f"endpoint {endpoint!r} is longer than the {LONGEST_PATH} bytes that a Unix socket allows",
            remedy="choose a shorter directory",
        )
    return Path(text)


class UnixListener:
    """Bound and listening from the start; ``close`` gives the path up."""

    def __init__(self, path: Path) -> None:
        """Bind ``path``, mode 0600, in a folder that is made if need be. Raises EndpointError."""
        self.path = path
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                log.info("socket_directory_made", path=str(path.parent))  # in a pod it is mounted, and there before
            self._lock = _Lock(path.with_name(f"{path.name}.lock"))
        except OSError as error:
            raise EndpointError(f"cannot serve {path}: {error}", remedy=_REMEDY) from error
        try:
            self.socket = _bind(path)
        except BaseException:
            self._lock.release()
            raise
        self._identity = _identity(path)

    def is_in_place(self) -> bool:
        """Tell whether the path still leads to this socket."""
        return _identity(self.path) == self._identity

    def close(self, *, leave: bool = False) -> None:
        """Let a successor have the path. Remove the socket file, unless another has taken its place, or ``leave``."""
        if not leave and self.is_in_place():
            self.path.unlink(missing_ok=True)
        self.socket.close()
        self._lock.release()


def _bind(path: Path) -> socket.socket:
    clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EndpointError(f"cannot serve {path}: {error}", remedy=_REMEDY) from error
    finally:
        os.umask(before)
    return listener


def clear(path: Path) -> None:
    """Remove a socket that no one serves any more. Raises EndpointError for anything else that is in the way."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise EndpointError(f"{path} exists and is not a socket", remedy="remove it, or set another AIOCSI_ENDPOINT")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise EndpointError(f"{path} may be served by another process: {error.strerror or error}") from error
    raise EndpointTaken(f"{path} is served by another process", remedy="stop it first")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class _Lock:
    """A lock file that is gone when it is released; its holder may die at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._descriptor)
                raise EndpointTaken(f"{path} is held by another process that serves this socket") from None
            if self._is_in_place():
                return
            os.close(self._descriptor)  # its last holder removed it between the two steps

    def release(self) -> None:
        if self._is_in_place():
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_in_place(self) -> bool:
        status = os.fstat(self._descriptor)
        return _identity(self._path) == (status.st_dev, status.st_ino)

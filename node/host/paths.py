"""Staging and target paths: made, resolved and taken away, never with anything in them. Everything here blocks."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common import errors
from node.codes import Code
from node.host.sysfs import device_number

_PAGE_BYTES = 4096  # of fdinfo, of which the mount is among the first lines


def resolve(path: str) -> str:
    """Return ``path`` as mountinfo has it: without links. Its last part is not followed, it may be a dead mount."""
    place = Path(path)
    return str(Path(os.path.realpath(place.parent)) / place.name)


def check_inside(path: str, folder: Path) -> None:
    """Raise InvalidArgument if ``path``, which is resolved, does not lie below ``folder``."""
    if not Path(path).is_relative_to(os.path.realpath(folder)):
        raise errors.InvalidArgument(
            f"{path} does not lie below kubelet's directory {folder}",
            remedy="if kubelet has another root directory, set AIOCSI_KUBELET_DIR (kubeletPath of the chart)",
            error_code=Code.OUTSIDE_KUBELET,
        )


def mount_ids(path: str) -> tuple[int, int]:
    """Return the ids of the mount in which ``path`` lies and of the one that is seen at it; 0: nothing is there.

    Nothing is asked of the file system there, so a dead one does not hang. Raises OSError if one above is broken.
    Source: proc(5), /proc/pid/fdinfo.
    """
    place = Path(path)
    return next(found for each in place.parents if (found := _mount_id(each))), _mount_id(place)


def filesystem_number(path: str) -> str:
    """Return the number (major:minor) of the file system that is seen at ``path``, or nothing; no link is followed."""
    try:
        return device_number(Path(path).lstat().st_dev)
    except OSError:
        return ""


def _mount_id(path: Path) -> int:
    try:
        with pinned(path) as descriptor:
            return mount_id(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return 0


@contextmanager
def pinned(path: str | Path) -> Iterator[int]:
    """Yield a descriptor of what is at ``path`` now, whatever is mounted there later. No link is followed.

    It asks nothing of a file system, and is for no reads. Raises OSError.
    """
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def mount_id(descriptor: int) -> int:
    """Return the id of the mount that an open file lies in, as in mountinfo."""
    page = os.open(f"/proc/self/fdinfo/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(page, _PAGE_BYTES).partition(b"mnt_id:")[2].split(None, 1)[0])
    finally:
        os.close(page)


def is_folder(path: str) -> bool:
    """Tell whether there is a folder at ``path``."""
    try:
        return stat.S_ISDIR(Path(path).lstat().st_mode)
    except OSError:
        return False


def make_folder(path: str) -> None:
    """Make a folder and those above it. Raises FailedPrecondition if something else is there."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise errors.FailedPrecondition(
            f"cannot make the folder {path}: {error.strerror}", error_code=Code.PATH_UNUSABLE
        ) from error
    if not is_folder(path):  # mount(8) would follow a link
        raise errors.FailedPrecondition(
            f"{path} is a symbolic link",
            remedy="remove it: a volume is mounted at no link",
            error_code=Code.FOREIGN_MOUNT,
        )


def make_file(path: str) -> None:
    """Make an empty file, on which a device node is mounted. Raises FailedPrecondition if something else is there."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
            return
        status = Path(path).lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > 0:  # ``remove`` would refuse it, after the publish
            raise errors.FailedPrecondition(
                f"{path} is there already, and is not an empty file", error_code=Code.PATH_UNUSABLE
            )
    except OSError as error:
        raise errors.FailedPrecondition(
            f"cannot make the file {path}: {error.strerror}", error_code=Code.PATH_UNUSABLE
        ) from error


def remove(path: str) -> None:
    """Remove a target that nothing is mounted on: an empty folder or an empty file.

    Raises FailedPrecondition if anything is in it: that is data another process wrote while nothing was mounted.
    """
    try:
        status = Path(path).lstat()
        if stat.S_ISDIR(status.st_mode):
            Path(path).rmdir()
        elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
            Path(path).unlink()
        else:
            raise errors.FailedPrecondition(
                f"{path} is neither an empty folder nor an empty file",
                remedy="see what is there, and move it away: it is not on the volume",
                error_code=Code.PATH_UNUSABLE,
            )
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.FailedPrecondition(
            f"cannot remove {path}: {error.strerror}",
            remedy="look into it, and move away what is there",
            error_code=Code.PATH_UNUSABLE,
        ) from error


def may_be_node(kind: str) -> bool:
    """Tell whether a device node may lie on a file system of this kind: the kernel's own, or one on a disk."""
    return kind in {"devtmpfs", "tmpfs", "ext4", "ext3", "xfs", "btrfs", "overlay"}


def block_number(path: str | int) -> str:
    """Return the number of the block device at ``path`` (major:minor), or nothing if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116  # it may be a descriptor
    except OSError:
        return ""
    return device_number(status.st_rdev) if stat.S_ISBLK(status.st_mode) else ""

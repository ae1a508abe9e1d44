"""The SQLite file: opened with a write-ahead log, changed in transactions, told to whoever watches.

The statements run in the event loop's own thread, on purpose: each is an indexed one of some ten microseconds, a commit
in WAL mode is a write without fsync, and a check and the change that rests on it can't be torn apart by another
request. What would take long, copying the log back into the file, is done in a thread (``checkpoint``).
Killing the process loses nothing that was committed; only a power cut may lose the last moments.

Source: sqlite.org "Write-Ahead Logging", "PRAGMA synchronous".
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import resources
from pathlib import Path

Value = str | int | float | None
Row = sqlite3.Row

SCHEMAS = ("schema.sql", "schema_2.sql")  # user_version counts those that the file has

_view: ContextVar[sqlite3.Connection | None] = ContextVar("view", default=None)
"""The connection that queries of this request read through, if it is not the present state."""


class Database:
    """One connection to the state. No one else may have the folder open: a second cloud on it is refused."""

    def __init__(self, folder: Path) -> None:
        """Raises BlockingIOError if another process has the folder."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / "cloud.sqlite3"
        self._path.touch(mode=0o600)  # SQLite gives its other files the mode of this one
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._connection = _connect(self._path)
        self._in_transaction = False
        self._past: sqlite3.Connection | None = None
        self._past_since = 0.0
        self.on_change: list[Callable[[], None]] = []
        self._migrate()

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._view.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        found: Row | None = self._view.execute(sql, values).fetchone()
        return found

    def number(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Return the whole number that a query gives, as COUNT does."""
        return int(self._view.execute(sql, values).fetchone()[0])

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one changing statement inside ``transaction``; return the row id of an INSERT."""
        assert self._in_transaction, "a change outside of a transaction"  # noqa: S101 (a mistake of ours, not an input)
        return self._connection.execute(sql, values).lastrowid or 0

    def change_many(self, sql: str, values: Sequence[Sequence[Value]]) -> None:
        """Run one changing statement for each of ``values`` inside ``transaction``."""
        self._connection.executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside are kept together, or, on any exception, none. There must be no await inside."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._in_transaction = False
        self.tell()

    def tell(self) -> None:
        """Tell whoever watches that something is different."""
        for told in self.on_change:
            told()

    @contextmanager
    def past(self, seconds: float) -> Iterator[None]:
        """Let the queries inside see the state as it was, up to ``seconds`` ago; ``seconds`` is wall time.

        A read transaction that stays open is such a view; it is renewed when it is older than that.
        """
        if self._past is None or self._past_since + seconds < time.monotonic():
            self._forget_past()
            self._past, self._past_since = _connect(self._path), time.monotonic()
            self._past.execute("BEGIN")
            self._past.execute("SELECT COUNT(*) FROM volumes").fetchone()  # only a read fixes the view
        token = _view.set(self._past)
        try:
            yield
        finally:
            _view.reset(token)

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the file. Slow (it waits for the disk): call it in a thread."""
        with _connect(self._path) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        other.close()

    def close(self) -> None:
        """Close the file and let go of the folder."""
        self._forget_past()
        self._connection.close()
        os.close(self._lock)

    def _forget_past(self) -> None:
        if self._past is not None:
            self._past.close()
            self._past = None

    @property
    def _view(self) -> sqlite3.Connection:
        return _view.get() or self._connection

    def _migrate(self) -> None:
        has = self.number("PRAGMA user_version")
        for version, name in enumerate(SCHEMAS[has:], has + 1):
            schema = resources.files(__package__).joinpath(name).read_text()
            self._connection.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection

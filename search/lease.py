"""One driver a study: locks that the operating system or the database gives back when their holder dies, so that no lease has to run out.

A study's home has a lock on a file, an SQLite ledger elsewhere one on a file beside it, and a PostgreSQL ledger an advisory lock of a
session. All are taken before anything is written.
"""

import fcntl
import getpass
import json
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from search.errors import UserError
from search.patience import Patience
from trainables.home import Home

FILE = ".driver.lock"
"""The locked file in a study's home; it says who holds the lock."""

SPACE = 0x0A171
"""First half of the advisory locks' keys, so that they are told apart from other programs'."""

KEEPALIVE = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
"""A driver's machine that vanished is noticed after a minute, and its lock given back."""


class Lease:
    """The locks of one driver on one study.

    Args:
        study: The study's name.
        home: The study's home.
        engine: The ledger's database.
    """

    def __init__(self, study: str, home: Home, engine: sqlalchemy.Engine) -> None:
        self.study, self.home, self.engine = study, home, engine
        self._session: sqlalchemy.Connection | None = None

    @contextmanager
    def held(self, patience: Patience | None = None) -> Iterator["Lease"]:
        """Hold the locks; a database's server that is away is waited for, if patience is given.

        Raises:
            UserError: If another driver has them; it says who, and since when.
        """
        with ExitStack() as locks:
            for file in self._files():
                locks.enter_context(_file_locked(file, self.study))
            locks.callback(self._drop)
            patiently = patience or Patience()
            patiently(lambda again: self._lock_database())
            yield self

    def _files(self) -> list[Path]:
        """The files to lock: one in the home, and where the ledger is a file elsewhere, or the home no folder, one beside the ledger."""
        kind, database = self.engine.dialect.name, self.engine.url.database
        if self.home.local is None and kind not in {"sqlite", "postgresql"}:
            words = f"the ledger must be in PostgreSQL, or for one machine in SQLite, got {kind}; no other can keep a second driver out"
            raise UserError(f"{self.study}: with a home that is no local folder {words}")
        own = [self.home.local / FILE] if self.home.local else []
        if kind != "sqlite" or not database or (self.home.local and Path(database).absolute().parent == self.home.local.absolute()):
            return own
        return [*own, Path(f"{database}.{self.study}.lock").absolute()]

    def renew(self) -> None:
        """Make sure that the database's lock is still held, after its server has been away.

        Raises:
            UserError: If another driver has taken it meanwhile.
            SQLAlchemyError: If the server is still away.
        """
        if self.engine.dialect.name != "postgresql":
            return
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return
        except SQLAlchemyError:
            self._drop()
        self._lock_database()

    def _lock_database(self) -> None:
        if self.engine.dialect.name != "postgresql":
            return
        self._session = session = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session.detach()  # it must outlive the pool's ideas of a connection's life
        try:
            session.execute(text(KEEPALIVE))
            session.execute(text("SELECT set_config('application_name', :name, false)"), {"name": f"altiplano {whoami()}"[:63]})
            self._try_lock(session)
        except BaseException:
            self._drop()
            raise

    def _try_lock(self, session: sqlalchemy.Connection) -> None:
        key = {"space": SPACE, "key": zlib.crc32(self.study.encode()) - 2**31}
        if session.execute(text("SELECT pg_try_advisory_lock(:space, :key)"), key).scalar():
            return
        found = session.execute(text(_HOLDER), {"space": SPACE, "key": key["key"] % 2**32}).one_or_none()
        holder, since = found or ("a driver", None)  # the times of another role's sessions are hidden
        who = str(holder).removeprefix("altiplano ")
        raise UserError(_refusal(self.study, who, f"{since:%Y-%m-%d %H:%M:%S %Z}" if since else "now"))

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except SQLAlchemyError:
                session.invalidate()


_HOLDER = """
SELECT activity.application_name, activity.backend_start
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = :space AND objid = :key AND pg_locks.database = activity.datid
"""


@contextmanager
def _file_locked(path: Path, study: str) -> Iterator[None]:
    file = _opened(path)
    try:
        if not _try_lock(file):
            holder = _holder(file)
            raise UserError(_refusal(study, holder.get("who", "another process"), holder.get("since", "now")))
        file.seek(0)
        file.truncate()
        json.dump({"who": whoami(), "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")}, file)
        file.flush()
        yield
        file.seek(0)
        file.truncate()
    finally:
        file.close()


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> dict[str, Any]:
    try:
        return dict(json.load(file))
    except ValueError:
        return {}


def _refusal(study: str, who: str, since: str) -> str:
    return f"{study}: the study is being run by {who} since {since}; stop that one first, or look with `altiplano status {study}`"


def whoami() -> str:
    """This process, so that a person finds it: user, machine and process id."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}, process {os.getpid()}"

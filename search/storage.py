"""Opening the database behind a ledger, and saying plainly why it cannot be opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from search.errors import UserError
from search.patience import PASSING, Patience, reason
from trainables.home import Home

optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every study made, the models in memory among them

FILE = "ledger.db"
"""The ledger's file in a study's home, where it is SQLite."""

LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay", "bcachefs"})
"""File systems of this machine's own, by Linux's names."""

_NO_DRIVER = "the database's Python driver is not installed; pip install 'altiplano[postgres]' and write postgresql+psycopg://..."

VARIABLE = "ALTIPLANO_LEDGER"
"""Environment variable that may hold the ledger's URL, password included."""

SECRET = ("password", "sslpassword")
"""What a URL's query may give to the database's client, and nobody else is to see."""

SECONDS = 60
"""How long a write waits for a reader of an SQLite ledger (optuna-dashboard, status)."""


def url_for(home: Home, given: str | None, recorded: str | None = None) -> str:
    """URL of a new study's ledger: the one given, the environment's, the study file's, or a file in its home.

    Raises:
        UserError: If there is none of the first three, and the home is no local folder.
    """
    given = given or os.environ.get(VARIABLE) or recorded
    if given:
        return with_driver(given)
    if home.local is None:
        raise UserError(
            f"{home.url}: a home that is no local folder needs a database for the ledger; give one with --ledger postgresql://..."
        )
    return f"sqlite:///{(home.local / FILE).absolute()}"


def url_of(home: Home, given: str | None, recorded: str | None) -> str:
    """URL of the ledger that a study has: the environment may be another study's, so a file in its home comes first."""
    if not given and not recorded and home.local and (home.local / FILE).exists():
        return url_for(home, f"sqlite:///{(home.local / FILE).absolute()}")
    return url_for(home, given, recorded)


@contextmanager
def opened(url: str, *, existing: bool = False, patience: Patience | None = None) -> Iterator[RDBStorage]:
    """The storage behind a URL for as long as it is needed; `connect` says the rest."""
    storage = connect(url, existing=existing, patience=patience)
    try:
        yield storage
    finally:
        close(storage)


def close(storage: RDBStorage) -> None:
    """Let go of every connection now, not when the garbage is collected: an open one keeps SQLite's two files beside the ledger."""
    storage.remove_session()
    storage.engine.dispose()


def connect(url: str, *, existing: bool = False, patience: Patience | None = None) -> RDBStorage:
    """The storage behind a URL; its tables are made where there are none.

    Args:
        url: As SQLAlchemy writes it.
        existing: Whether there must be a ledger already.
        patience: How long to wait for a server that does not answer just now; not at all by default.

    Raises:
        UserError: If it cannot be opened, is damaged or was written by another Optuna.
    """
    url, shown = with_driver(url), public(url)
    patiently = patience or Patience()
    try:
        parsed = make_url(url)
        if existing and not on_server(url) and not Path(parsed.database or "").exists():
            raise UserError(f"{shown}: there is no such ledger; restore the file, or launch the study anew in another home")
        return patiently(lambda again: _open_if_there(parsed, shown))
    except ArgumentError as error:
        raise UserError(f"{shown}: a ledger's URL must look like postgresql+psycopg://user@host/database or sqlite:///file") from error
    except ImportError as error:
        raise UserError(
            f"{shown}: the database's Python driver is not installed; pip install 'altiplano[postgres]', and give its URL as postgresql+psycopg://..."
        ) from error
    except RuntimeError as error:
        raise UserError(
            f"{shown}: the ledger was written by another Optuna; `optuna storage upgrade --storage URL` converts it ({error})"
        ) from error
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _unusable(shown, error) from error


def _unusable(shown: str, error: Exception) -> UserError:
    return UserError(f"{shown}: the ledger cannot be opened ({reason(error)}); restore it from a backup, or check the address")


def _open_if_there(url: URL, shown: str, *, surely: bool = False) -> RDBStorage:
    """Open it; what `PASSING` names is raised while its server is away, which can be waited for, and `UserError` where that is no help."""
    try:
        return _open(url, shown)
    except PASSING as error:
        if _away(url):
            raise
        if surely or not on_server(url.drivername):
            raise _unusable(shown, error) from error
    return _open_if_there(url, shown, surely=True)  # the server answers: it has come back just now, or it refuses us


def _open(url: URL, shown: str) -> RDBStorage:
    arguments = {} if on_server(url.drivername) else {"timeout": SECONDS}
    storage = RDBStorage(url.render_as_string(hide_password=False), engine_kwargs={"connect_args": arguments, "pool_pre_ping": True})
    try:
        _verify(storage.engine, shown)
        _journal(storage.engine, Path(url.database or ""))
    except BaseException:
        close(storage)
        raise
    return storage


def on_server(url: str) -> bool:
    """Whether a database is a server's, by its URL or driver's name, and no file."""
    return not url.startswith("sqlite")


def _away(url: URL) -> bool:
    """Whether a PostgreSQL server takes no connections now, whoever asks: nobody listens, or it starts, recovers or shuts down."""
    if not url.drivername.startswith("postgresql"):
        return False
    from psycopg.conninfo import make_conninfo  # only where there is a server to ask
    from psycopg.pq import PGconn, Ping

    words, named = url.get_dialect()().create_connect_args(url)
    return PGconn.ping(make_conninfo(*words, **named).encode()) != Ping.OK


def _verify(engine: sqlalchemy.Engine, shown: str) -> None:
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("PRAGMA quick_check")).scalar()
    if found != "ok":
        raise UserError(f"{shown}: the ledger is damaged ({found}); restore it from a backup")


def _journal(engine: sqlalchemy.Engine, file: Path) -> None:
    """Let SQLite write ahead: one flush of the disk a transaction instead of three. Over a network that is not safe."""
    if engine.dialect.name != "sqlite" or not file.name:
        return
    mode = "WAL" if _kind_of_disk(file.parent.absolute()) in LOCAL else "DELETE"
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"PRAGMA journal_mode={mode}"))


def _kind_of_disk(folder: Path) -> str:
    """Type of the file system that holds a folder, as Linux names it; empty where it does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return ""
    holding = [(len(place), kind) for _, place, kind, *_ in mounts if folder.is_relative_to(place.replace("\\040", " "))]
    return max(holding, default=(0, ""))[1]


def with_driver(url: str) -> str:
    """The URL with psycopg 3 as the driver where it says postgres only."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme in {"postgres", "postgresql"} else url


def without_password(url: str) -> str:
    """The URL as it may be written down; the database's client finds the password in PGPASSWORD or its own files."""
    try:
        found = make_url(url).difference_update_query(SECRET)
        bare = URL.create(found.drivername, found.username, None, found.host, found.port, found.database, found.query)
        return bare.render_as_string(hide_password=False)
    except ArgumentError:
        return url


def public(url: str) -> str:
    """A URL without its password, for messages."""
    try:
        return make_url(url).difference_update_query(SECRET).render_as_string(hide_password=True).removeprefix("sqlite:///")
    except ArgumentError:
        return "the ledger's URL"

"""A ledger and a home belong together: neither is used with another study's, or with nothing where there was something."""

from optuna.storages import RDBStorage

from search.errors import UserError
from search.storage import VARIABLE, public
from trainables.home import Home


def refuse_taken(name: str, opened: RDBStorage, url: str) -> None:
    """Refuse, for a new study, a database that has one of its name already, whose home is another.

    Raises:
        UserError: If it has.
    """
    if _knows(opened, name):
        raise UserError(f"{name}: {public(url)} has a study of this name already; resume it from its home, or change `name`")


def refuse_ignorant(name: str, opened: RDBStorage, url: str, home: Home) -> None:
    """Refuse, for a study that has evidence, a database that knows nothing of it: the search would begin anew, and overwrite it.

    Raises:
        UserError: If it knows nothing.
    """
    if home.names("evidence") and not _knows(opened, name):
        words = f"give the one it was launched with by --ledger (or unset {VARIABLE}), or restore that from a backup"
        raise UserError(f"{name}: the ledger {public(url)} knows nothing of this study, of which {home.url} has evidence; {words}")


def _knows(opened: RDBStorage, name: str) -> bool:
    return any(one.study_name.startswith(f"{name}/") for one in opened.get_all_studies())

"""What a driver holds from its first look at the ledger to its end: the open ledger, and the lease on its study."""

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.storages import RDBStorage

from search import storage
from search.belonging import refuse_ignorant
from search.lease import Lease
from search.patience import Patience
from trainables.home import Home


@contextmanager
def held(name: str, home: Home, url: str, patience: Patience, *, new: bool = False) -> Iterator[tuple[RDBStorage, Lease]]:
    """Hold a study's ledger and lease. A database server that does not answer just now, since it restarts, is waited for.

    Args:
        name, home: The study's.
        url: Its ledger's.
        patience: How long to wait for the server.
        new: Whether the ledger is made where there is none, and may know nothing of the study.

    Raises:
        UserError: If another driver has the study, or its ledger cannot be opened or is not the study's.
    """
    opening = storage.opened(url, existing=not new, patience=patience)
    with opening as opened, Lease(name, home, opened.engine).held(patience) as lease:
        if not new:
            patience(lambda again: refuse_ignorant(name, opened, url, home))
        yield opened, lease

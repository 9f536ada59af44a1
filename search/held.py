"""What a driver holds from its first look at the ledger to its end: the open ledger, and the lease on its study."""

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.storages import RDBStorage

from search import storage
from search.lease import Lease
from search.patience import Patience
from trainables.home import Home


@contextmanager
def held(name: str, home: Home, url: str, patience: Patience) -> Iterator[tuple[RDBStorage, Lease]]:
    """Hold a study's ledger and lease. A database server that does not answer just now, since it restarts, is waited for.

    Raises:
        UserError: If another driver has the study, or its ledger cannot be opened.
    """
    with storage.opened(url, patience=patience) as opened, Lease(name, home, opened.engine).held(patience) as lease:
        yield opened, lease

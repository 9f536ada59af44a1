"""Fresh seeds for chosen configurations, scored on the test split: the ledger keeps them as groups beside the search's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from search import storage
from search.errors import UserError
from search.held import held
from search.homes import HOME, find
from search.ledger import Ledger
from search.page import Group
from search.patience import Patience
from search.run import Outcome, Place, Watcher, run, telling
from search.searcher import members_of

FRESH = 1_000_000
"""Seeds from here on are for confirming: no search reaches them."""

Entry = tuple[str, int]
"""A configuration: method and number."""


def confirm(
    name: str,
    wanted: Mapping[Entry, Sequence[int]],
    home: str | Path = HOME,
    *,
    ledger: str | None = None,
    address: str | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Train configurations of a study with fresh seeds and score them on the test split; what was in flight is finished first.

    Args:
        name: The study's name.
        wanted: Seeds for each configuration, from `FRESH` up.
        home: Folder or URL that holds the studies' directories.
        ledger, address, watcher: As in `launch`.

    Raises:
        UserError: If there is no such study or configuration, its ledger cannot be opened, or another driver runs it.
        SearchFailed: If it could not go on.
    """
    study, place = find(name, home)
    url = storage.url_of(place, ledger, study.ledger_url)
    with held(name, place, url, Patience(study.storage.patience * 60, telling(study, place, watcher))) as (opened, lease):
        return run(study, opened, Place(place, str(home), address, watcher), lease, listed=lambda book: groups(book, wanted))


def groups(book: Ledger, wanted: Mapping[Entry, Sequence[int]]) -> list[Group]:
    """Hand out what is wanted and not yet asked for, configurations of one method with the same seeds together.

    Raises:
        UserError: If a configuration is not in the ledger.
    """
    alike: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for (method, number), seeds in wanted.items():
        if method not in book.pages or number >= len(book.pages[method].entries):
            raise UserError(f"{book.study.name}: there is no configuration {number} of {method} to confirm")
        lacking = tuple(seed for seed in seeds if seed not in book.pages[method].entries[number].seeds)
        if lacking:
            alike.setdefault((method, lacking), []).append(number)
    found = []
    for (method, seeds), numbers in alike.items():
        size = max(1, members_of(book.study) // len(seeds))
        found += [book.ask_fresh(method, numbers[at : at + size], seeds, "test") for at in range(0, len(numbers), size)]
    return found

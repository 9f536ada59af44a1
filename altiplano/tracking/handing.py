"""Handing a study over to a tracker."""

from altiplano.tracking.runs import names, runs
from altiplano.tracking.trackers import TRACKERS
from search.errors import UserError
from search.homes import home_of


def hand_over(name: str, home: str, to: str, into: str | None) -> tuple[int, int, str]:
    """Write the members that a tracker has not got yet; evidence never changes, so that none is written twice.

    Returns:
        How many were written, how many it holds now, and its address.

    Raises:
        UserError: If there is no such study or tracker, or nothing has ended yet.
    """
    import analysis

    if to not in TRACKERS:
        raise UserError(f"--to must be one of {', '.join(TRACKERS)}, got {to!r}")
    place = home_of(name, home)
    try:
        table = analysis.load(place.url)
    except ValueError as error:
        raise UserError(f"altiplano track {name}: {error}") from error
    address = into or TRACKERS[to].usual(f"{place.local}/" if place.local else f"{name}-")
    tracker = TRACKERS[to](address, table.name)
    written = held = 0
    for part in (table, table.confirmed):
        if part is None:
            continue
        called = names(part)
        new = called[[not tracker.holds(run) for run in called]]
        for run in runs(part, new):
            tracker.write(run)
        written, held = written + len(new), held + len(called)
    return written, held, address

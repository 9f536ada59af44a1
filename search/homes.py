"""Where studies are: by their names, in a folder or an object store."""

import re
from pathlib import Path

from search.errors import UserError
from search.study import Study
from trainables.home import Home

HOME = "studies-home"
"""Where studies are kept unless said otherwise."""

STUDY = "study.yaml"


def find(name: str, home: str | Path = HOME) -> tuple[Study, Home]:
    """A study by its name, and its home.

    Raises:
        UserError: If there is none, or it can no longer be run: its data, or a module of the user's own, are gone.
    """
    place = home_of(name, home)
    return Study.parse((place.read(STUDY) or b"").decode(), place.at(STUDY)), place


def home_of(name: str, home: str | Path = HOME) -> Home:
    """The home of a study that is to be looked at and not run: it may be a copy from a machine that had the data.

    Raises:
        UserError: If there is none.
    """
    place = placed(home, name)
    refuse_unusable(place)
    if not place.exists(STUDY):
        there = f"there: {', '.join(names(home)) or 'none'}"
        raise UserError(f"{name}: there is no such study in {home} ({there}); give --home, or start it with `altiplano launch STUDY.yaml`")
    return place


def elsewhere(home: str, address: str | None = None) -> str:
    """What a suggested command has to say of the home and the cluster: nothing where they are the usual ones."""
    return ("" if home == HOME else f" --home {home}") + (f" --address {address}" if address else "")


def names(home: str | Path = HOME) -> list[str]:
    """Names of the studies in a folder."""
    parent = placed(home)
    refuse_unusable(parent)
    return [name for name in parent.names(".") if parent.exists(f"{name}/{STUDY}")]


def placed(home: str | Path, name: str = "") -> Home:
    """A study's home, or with no name the folder of all of them.

    Raises:
        UserError: If the address holds a password.
    """
    if re.search(r"://[^/@]*:[^/@]*@", str(home)):
        raise UserError("--home must hold no password, since it is printed; give it to the store's client (~/.aws, AWS_PROFILE, a role)")
    return Home(f"{home}/{name}")


def refuse_unusable(place: Home) -> None:
    """Refuse an object store that is not there or does not let us in."""
    lacking = place.lacking()
    if lacking:
        raise UserError(f"{place.url}: {lacking}")

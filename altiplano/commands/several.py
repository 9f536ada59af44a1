"""The command over several studies."""

from pathlib import Path
from typing import Annotated

import typer

from altiplano.options import EQUAL, HOME, HomeOption, WeightsOption, handed_over, weighed


def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME NAME...", help="The studies' names.")],
    home: HomeOption = HOME,
    rule: Annotated[str, typer.Option("--rule", help="How to rank: guarantee, mean, tail or stability.")] = "guarantee",
    weights: WeightsOption = EQUAL,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to; comparison in the studies' home by default.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Hold studies against each other on one page: levels where they score the same examples, gains over ERM everywhere.

    A supervised and a contrastive study of one data set compare by level; other data compare by gains alone. What cannot be compared is
    left out with the reason, and with fewer than two studies left nothing is written.
    """
    import analysis
    from search.errors import UserError
    from search.homes import home_of

    given = " ".join(names)
    try:
        page = analysis.compare_studies([home_of(name, home).url for name in names], rule, weighed(weights), out)
    except ValueError as error:
        raise UserError(f"altiplano compare {given}: {error}") from error
    handed_over(page, show=show)

"""The words of a claim: what is compared, on which scale, and what may be said of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from benchmarks.claims.evidence import Evidence

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"
"""The three verdicts."""


class Scale(NamedTuple):
    """How a figure of a member is shown and judged.

    Attributes:
        title, unit: As readers meet it.
        factor: What it is multiplied by to be shown in its unit.
        sign: 1 where larger is better, -1 where smaller is.
        matters: Least difference that would matter; ours, fixed before any result was seen.
    """

    title: str
    unit: str
    factor: float
    sign: int
    matters: float


SCALES = {
    "accuracy": Scale("mean accuracy", "%", 100, 1, 0.005),
    "tail": Scale("tail score", "%", 100, 1, 0.01),
    "stability": Scale("stability", "%", 100, 1, 0.005),
    "gap": Scale("loss gap", "nats", 1, -1, 0.01),
    "weight_norm": Scale("weight norm", "", 1, -1, 0.1),
    "cohesion": Scale("cohesion", "", 1, 1, 0.005),
    "separability": Scale("separability", "", 1, 1, 0.005),
}
"""Figures of a member on the test split. The loss gap is the cross-entropy there less that of 64 training examples; cohesion and
separability are those of the last hidden layer's features."""


class Part(NamedTuple):
    """One comparison: in a study, `method` is better than `other` in a figure, by more than `least` (below 0: not worse by more)."""

    study: str
    method: str
    other: str
    figure: str = "accuracy"
    least: float = 0.0


Studies = Mapping[str, Evidence]
Parts = Callable[[Studies], Sequence[Part]]


class Statement(NamedTuple):
    """Something claimed, which holds if every part of it does.

    Attributes:
        text: The statement, in one sentence.
        parts: Its parts; which methods they name may follow from the selection split, never from the test split.
        readings: What each verdict means, by verdict, written by hand; shown only beside the verdict that it was written for.
    """

    text: str
    parts: Parts
    readings: Mapping[str, str] = {}


class Claim(NamedTuple):
    """A page: a claim with its papers, its studies, and the statements that it is taken apart into.

    Attributes:
        name: Name of the page.
        title, sentence, papers: Head of the page: the claim in one sentence, and who makes it.
        studies: Names of files under studies/claims.
        figures: Figures that the table shows.
        statements: What is judged; none where the page only shows a table.
        limits: What these studies cannot say.
        picture: Draws a figure of the page's own beside that of the comparisons.
    """

    name: str
    title: str
    sentence: str
    papers: str
    studies: tuple[str, ...]
    figures: tuple[str, ...]
    statements: tuple[Statement, ...]
    limits: str = ""
    picture: Callable[[Studies], Figure] | None = None


def always(*parts: Part) -> Parts:
    """Parts that are the same whatever the search found."""
    return lambda studies: parts


def everywhere(studies: Iterable[str], method: str, other: str, figure: str = "accuracy", least: float = 0.0) -> Parts:
    """One comparison in several studies."""
    return always(*(Part(study, method, other, figure, least) for study in studies))

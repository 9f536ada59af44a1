"""What each knob does to mean, tail and stability, alone and in pairs."""

from itertools import combinations

import pandas as pd

from analysis import importance, words
from analysis.figures import knobs as drawn_knobs
from analysis.figures import maps
from analysis.figures.style import Drawing
from analysis.findings import Findings
from analysis.importance import Dependence
from analysis.page import Section

MAPS, SHOWN = 3, 2
"""Maps drawn at most, and how many of them unfolded."""

FIRST = 6
"""Knobs unfolded."""


def knobs(found: Findings) -> Section | None:
    """Each knob against the three figures, those of most interest first; importance; maps of pairs."""
    names = [str(name) for name in found.searched.columns if found.searched[name].reindex(found.frame.index).notna().any()]
    if not names:
        return None
    curves = _dependences(found)
    state = found.table.configurations["state"]
    dropped = found.table.configurations.loc[state == "dropped", "method"]
    drawn = []
    for name in names:
        of_knob = {(method, figure): curve for (method, knob, figure), curve in curves.items() if knob == name}
        drawn.append(drawn_knobs.knob(found.frame, found.searched[name], dropped, of_knob, found.looks))
    shares = importance.importance(found.frame, found.searched)
    pairs = _maps(found, names)
    first = drawn[:FIRST] + ([drawn_knobs.importance(shares, found.looks, importance.FEWEST)] if len(shares) else [])
    return Section("knobs", "What each knob does", _words(curves), [*first, *pairs[:SHOWN]], folded=[*drawn[FIRST:], *pairs[SHOWN:]])


def _dependences(found: Findings) -> dict[tuple[str, str, str], Dependence]:
    curves = {}
    for method, part in found.frame.groupby("method", sort=False):
        values = values_of(found, part)
        if values.shape[1]:
            curves.update({(str(method), *key): curve for key, curve in importance.dependences(part, values).items()})
    return curves


def _maps(found: Findings, names: list[str]) -> list[Drawing]:
    """Maps of the pairs of knobs, the method with the best rank first."""
    drawn = []
    for _, part in found.frame.groupby("method", sort=False):
        values = values_of(found, part)
        for pair in combinations([name for name in names if name in values.columns], 2):
            if len(drawn) < MAPS:
                one = maps.pair(part, values[list(pair)])
                drawn += [one] if one else []
    return drawn


def _words(curves: dict[tuple[str, str, str], Dependence]) -> list[str]:
    text = ["The search went where scores were good, so that bad regions hold few points and their curves wide bands."]
    peaks = []
    for (method, knob, figure), curve in curves.items():
        inside, value = peak(curve)
        if figure == "accuracy" and inside:
            peaks.append(f"{method} near {knob} = {value:.2g}")
    if peaks:
        text.append(f"Mean accuracy peaks inside the range tried for {words.listed(peaks)}.")
    return text if curves else [f"With fewer than {importance.FEWEST} configurations of a method no curve is drawn."]


def peak(curve: Dependence) -> tuple[bool, float]:
    """Whether a curve rises above both its ends by more than its band, and where its top lies."""
    top = int(curve.mean.argmax())
    ends = [float(curve.mean[end] + curve.half[end]) for end in (0, -1)]
    return bool(curve.mean[top] - curve.half[top] > max(ends)), float(curve.along[top])


def values_of(found: Findings, part: pd.DataFrame) -> pd.DataFrame:
    """The searched knobs that every configuration of a part turns."""
    return found.searched.reindex(part.index).dropna(axis=1, how="any")

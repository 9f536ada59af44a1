"""The verdict, by rule: paired differences over the same fresh seeds, Holm over all parts of a page.

A part holds if its difference lies above `least` with Holm's p below .05. It does not hold if the whole 95 % interval lies below
`least` plus what would matter: the gain is excluded, or too small for anybody to care. Everything else cannot be told here. A statement
holds if all its parts do, and does not if one does not.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.compare import Pairing, holm, paired
from benchmarks.claims.claim import FAILS, HOLDS, OPEN, SCALES, Claim, Part, Statement, Studies

LEVEL = 0.05

OWN = Pairing(0.0, statistics.NO_PRIOR, 0.0)
"""Ten seeds or more speak for themselves: nothing is borrowed."""


class Finding(NamedTuple):
    """A part and what the evidence says of it.

    Attributes:
        part: The part.
        gain, low, high: Mean difference and 95 % interval in the direction that counts as better, so that above 0 is better.
        p, p_holm: Of the difference against `least`, two-sided; alone, and by Holm over the page.
        seeds: Pairs.
        verdict: HOLDS, FAILS or OPEN.
    """

    part: Part
    gain: float
    low: float
    high: float
    p: float
    p_holm: float
    seeds: int
    verdict: str


class Judged(NamedTuple):
    """A statement, its findings and its verdict."""

    statement: Statement
    findings: tuple[Finding, ...]
    verdict: str


def judge(claim: Claim, studies: Studies) -> list[Judged]:
    """Judge all statements of a claim together."""
    parts = [list(statement.parts(studies)) for statement in claim.statements]
    found = iter(findings([part for some in parts for part in some], studies))
    judged = []
    for statement, some in zip(claim.statements, parts, strict=True):
        own = tuple(next(found) for _ in some)
        judged.append(Judged(statement, own, together([finding.verdict for finding in own])))
    return judged


def findings(parts: Sequence[Part], studies: Studies) -> list[Finding]:
    """What the evidence says of each part, Holm over all of them."""
    contrasts = []
    for part in parts:
        sign = SCALES[part.figure].sign
        pair = pd.concat([studies[part.study].values(name, part.figure) for name in (part.method, part.other)], axis=1, join="inner")
        better, worse = (sign * pair.iloc[:, column].to_numpy(float) for column in (0, 1))
        contrasts.append(paired(better - part.least, worse, OWN))
    corrected = holm(np.array([contrast.p for contrast in contrasts]))
    found = []
    for part, contrast, p in zip(parts, contrasts, corrected.tolist(), strict=True):
        gain, low, high = (value + part.least for value in (contrast.gain, contrast.low, contrast.high))
        found.append(Finding(part, gain, low, high, contrast.p, p, contrast.seeds, _verdict(part, gain, high, p)))
    return found


def _verdict(part: Part, gain: float, high: float, p: float) -> str:
    if gain > part.least and p < LEVEL:
        return HOLDS
    matters = SCALES[part.figure].matters if part.least >= 0 else 0.0
    return FAILS if high < part.least + matters else OPEN


def together(verdicts: Sequence[str]) -> str:
    """The verdict of a whole from those of its parts."""
    if FAILS in verdicts:
        return FAILS
    return HOLDS if verdicts and all(verdict == HOLDS for verdict in verdicts) else OPEN

"""A claim's page of docs/results: verdicts, comparisons, the methods' figures, and how all of it came about, in Markdown."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from analysis import statistics, words
from benchmarks.claims.claim import SCALES, Claim, Studies
from benchmarks.claims.evidence import Evidence
from benchmarks.claims.verdict import Finding, Judged, together

LEGEND = (
    "Right of the line is better for the method named first; grey: differences too small to matter. Circles hold, squares do not "
    "hold, diamonds cannot be told."
)
MEANS = (
    "Means over the fresh seeds on the test split with half of their 95 % intervals. Each method is shown by the configuration that "
    "the selection split ranked first."
)
RULE = (
    "Each difference is a mean over the same fresh seeds of both methods on the test split, paired seed by seed, with its 95 % "
    "interval; p is Holm's over all comparisons of this page. A comparison **holds** if it lies on the claimed side with p < .05. It "
    "**does not hold** if the whole interval lies below the least difference that matters ({matters}), or, where a margin is stated, "
    "beyond the margin. Otherwise it **cannot be told here**. A statement holds if all its comparisons do, and does not hold if one "
    "does not."
)


def page(claim: Claim, studies: Studies, judged: Sequence[Judged], processor: str, today: str | None = None) -> str:
    """The page's text.

    Args:
        claim: The claim. studies: Its studies by name. judged: Its statements.
        processor: What the studies ran on.
        today: Date to write; today's by default.
    """
    found = [finding for one in judged for finding in one.findings]
    parts = [
        f"# {claim.title}",
        f"**{claim.sentence}**",
        claim.papers,
        f"Verdict: **{together([one.verdict for one in judged])}** ({counted(judged)}).",
        _verdicts(judged),
        f"![Differences with their 95 % intervals](figures/{claim.name}.png)",
        LEGEND,
        *([f"![By radius](figures/{claim.name}-more.png)"] if claim.picture else []),
        *_readings(judged),
        "## The comparisons",
        _comparisons(found),
        RULE.format(matters=_matters(found)),
        "## The methods",
        *(f"{_named(studies[name])}\n\n{_methods(claim, studies[name])}" for name in claim.studies),
        MEANS,
        "## Limits",
        claim.limits,
        "## How to get it again",
        _again(claim, studies, processor, today or dt.datetime.now(dt.UTC).date().isoformat()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def counted(judged: Sequence[Judged]) -> str:
    """How many statements got each verdict, in words."""
    verdicts = [one.verdict for one in judged]
    return "of {} statements {}".format(
        len(verdicts),
        ", ".join(f"{verdicts.count(verdict)} {_plural(verdict, verdicts.count(verdict))}" for verdict in dict.fromkeys(verdicts)),
    )


def _plural(verdict: str, count: int) -> str:
    return verdict if count == 1 else verdict.replace("holds", "hold").replace("does", "do")


def _verdicts(judged: Sequence[Judged]) -> str:
    return _table(["statement", "verdict"], [[one.statement.text, f"**{one.verdict}**"] for one in judged])


def _readings(judged: Sequence[Judged]) -> list[str]:
    found = [one.statement.readings[one.verdict] for one in judged if one.verdict in one.statement.readings]
    return ["## What was seen", *found] if found else []


def _comparisons(found: Sequence[Finding]) -> str:
    heads = ["study", "comparison", "figure", "better by", "95 % interval", "p (Holm)", "seeds", "verdict"]
    return _table(heads, [_comparison(finding) for finding in found])


def _comparison(finding: Finding) -> list[str]:
    part, scale = finding.part, SCALES[finding.part.figure]
    margin = f", margin {scale.factor * -part.least:g}" if part.least else ""
    gain, low, high = (_signed(scale.factor * value, scale.factor) for value in (finding.gain, finding.low, finding.high))
    p = words.p_value(finding.p_holm).removeprefix("= ") if np.isfinite(finding.p_holm) else words.NONE
    title = scale.title if scale.sign > 0 else f"{scale.title} (lower is better)"
    return [
        part.study,
        f"{part.method} against {part.other}{margin}",
        title,
        gain,
        f"{low} to {high}",
        p,
        str(finding.seeds),
        finding.verdict,
    ]


def _signed(value: float, factor: float) -> str:
    return f"{value:+.{2 if factor > 1 else 3}f}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else words.NONE


def _matters(found: Sequence[Finding]) -> str:
    used = dict.fromkeys(finding.part.figure for finding in found)
    told = [f"{SCALES[name].factor * SCALES[name].matters:g} {_unit(name)}".strip() + f" of {SCALES[name].title}" for name in used]
    return words.listed(told) + ", fixed before any result was seen"


def _unit(name: str) -> str:
    return {"%": "points"}.get(SCALES[name].unit, SCALES[name].unit)


def _named(study: Evidence) -> str:
    return f"### {study.name}"


def _methods(claim: Claim, study: Evidence) -> str:
    heads = ["method", "knobs", "seeds", *(_head(name) for name in claim.figures)]
    rows = []
    for method, knobs in zip(study.chosen["method"], study.chosen["knobs"], strict=True):
        values = {name: study.values(str(method), name).dropna().to_numpy(float) for name in claim.figures}
        rows.append(
            [str(method), str(knobs) or words.NONE, str(len(values[claim.figures[0]])), *(_mean(values[name], name) for name in values)]
        )
    return _table(heads, rows)


def _head(name: str) -> str:
    return f"{SCALES[name].title}, {SCALES[name].unit}".removesuffix(", ")


def _mean(values: np.ndarray, name: str) -> str:
    """Mean and half of its interval by the seeds' own spread."""
    if len(values) < 2:
        return words.NONE
    seeds = np.array([float(len(values))])
    half = float(statistics.half_width(np.array([values.var(ddof=1)]), seeds - 1, seeds)[0])
    factor = SCALES[name].factor
    digits = 1 if factor > 1 else 3
    return f"{factor * values.mean():.{digits}f} ± {factor * half:.{digits}f}"


def _again(claim: Claim, studies: Studies, processor: str, today: str) -> str:
    files = words.listed([f"`studies/claims/{name}.yaml`" for name in claim.studies])
    seconds = sum(studies[name].seconds for name in claim.studies)
    about = studies[claim.studies[0]].environment
    packages = about.get("packages")
    torch = packages.get("torch", "?") if isinstance(packages, dict) else "?"
    revision = f", revision {str(about['revision'])[:7]}" if about.get("revision") else ""
    return (
        f"`python -m benchmarks.claims {claim.name}` searches {files}, trains each method's best with fresh seeds (`altiplano confirm "
        "--each`) and writes this page; stopped, it goes on when called again. All numbers are in "
        f"[{claim.name}.json](figures/{claim.name}.json).\n\nHere: {words.duration(seconds)} of training on {processor}, torch "
        f"{torch}{revision}; written {today}."
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

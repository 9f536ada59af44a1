"""The ranking, and what fresh seeds on the test split made of it."""

import numpy as np
import pandas as pd

from analysis import chances, words
from analysis.figures import confirmed as drawn_confirmed
from analysis.figures import forest
from analysis.findings import Findings, called, row_of
from analysis.page import Column, Row, Section, Sheet
from analysis.ranking import RULES, Ranking
from analysis.table import BASELINE, FIGURES

SHOWN = 15
"""Rows of the ranking on the page; the complete table lies beside it."""

COLUMNS = (
    Column("#"),
    Column("configuration", kind="heading"),
    Column("guarantee", "%"),
    Column("mean", "%, 95 % interval"),
    Column("tail", "%, 95 % interval"),
    Column("stability", "%, 95 % interval"),
    Column("P(best)"),
    Column("rank", "5 \N{EN DASH} 95 %"),
    Column("P(front)"),
    Column("seeds", "(failed)"),
    Column("cost"),
)


def ranked(found: Findings) -> Section:
    """The ranking with its intervals."""
    frame = found.frame
    rows = [_row(row) for _, row in frame.head(SHOWN).iterrows()]
    if found.ranked.baseline is not None and found.ranked.baseline not in frame.index[:SHOWN]:
        rows.append(_row(row_of(frame, found.ranked.baseline)))
    many = len(frame) > SHOWN
    caption = (
        f"The first {SHOWN} of {words.count(len(frame), 'configuration')}, and ERM."
        if many
        else words.count(len(frame), "configuration") + "."
    )
    text = [f"Rule {found.ranked.rule}: {RULES[found.ranked.rule]}.", how_to_read(found.ranked)]
    drawn = [forest.forest(frame, found.looks, found.ranked.baseline)]
    return Section("ranking", "Ranking", text, drawn, [Sheet(caption, COLUMNS, rows, "ranking")])


def utility(ranked: Ranking) -> str:
    """What the rule's utility is made of, a weight times a figure each."""
    return " and ".join(f"{weight:g} \N{MULTIPLICATION SIGN} {name}" for name, weight in ranked.weights.items() if weight)


def how_to_read(ranked: Ranking) -> str:
    """What the columns mean."""
    figure = chances.OF_RULE[ranked.rule].replace("accuracy", "mean")
    kept = int(ranked.frame["kept"].sum())
    among = f" among the {kept:,} that the rule keeps" if ranked.rule == "guarantee" and 0 < kept < len(ranked.frame) else ""
    few = f" for the {chances.MOST:,} configurations that could come near the top" if len(ranked.frame) > chances.MOST else ""
    return (
        f"Utility is {utility(ranked)}. Intervals are of the mean over retrainings on this split, not over new examples. The guarantee "
        "is the utility that one retraining with a new seed exceeds with chance 95 %. P(best) and rank are about the true "
        f"{figure}{among}; P(front) is the chance that no other configuration is better in mean, tail and stability at once. All come "
        f"from {chances.DRAWS:,} joint draws{few}, P(front) from every fourth of them."
    )


def _row(row: pd.Series) -> Row:
    note = "; ".join(part for part in (row["knobs"], row["reason"] and f"set aside: {row['reason']}") if part)
    failed = f" ({row['failures']:.0f})" if row["failures"] else ""
    figures = [words.score(row, name) for name in FIGURES]
    likely = [words.chance(row["p_best"]), words.ranks(row["rank_low"], row["rank_high"]), words.chance(row["front"])]
    cells = [
        f"{row['rank']:.0f}",
        called(row),
        words.percent(row["guarantee"]),
        *figures,
        *likely,
        f"{row['seeds']:.0f}{failed}",
        words.duration(row["seconds"]),
    ]
    return Row(cells, note, faded=not row["kept"])


def confirmed(found: Findings) -> Section | None:
    """Fresh seeds on the test split, and the optimism of the search's figures."""
    if found.confirmed is None:
        return None
    _, ranked = found.confirmed
    rows = [_row(row) for _, row in ranked.frame.iterrows()]
    pairs = both(found)
    known = _optimism_told(pairs)
    text = ["Fresh seeds, scored on the test split, which nothing before has read. These are the study's final figures.", known]
    drawn = [
        drawn_confirmed.optimism(pairs, found.looks),
        forest.forest(ranked.frame, found.looks, ranked.baseline, "forest-confirmed", "Confirmed ranking"),
    ]
    caption = f"{words.count(len(rows), 'configuration')} on the test split."
    return Section(
        "confirmed", "Confirmed on the test split", [line for line in text if line], drawn, [Sheet(caption, COLUMNS, rows, "confirmed")]
    )


def _optimism_told(pairs: pd.DataFrame) -> str:
    gap, half = optimism(pairs)
    if not words.known(gap):
        return ""
    between = f" ± {100 * half:.1f}" if words.known(half) else ""
    erm = pairs.loc[~pairs["chosen"], "optimism"].dropna()
    beside = (
        f" For ERM, which nothing chose, it is {words.points(float(erm.iloc[0]))}: that much lies between the splits and the seeds."
        if len(erm) == 1
        else ""
    )
    return (
        f"Optimism: on average the search had reported {words.points(gap)}{between} points of utility against what fresh seeds on the test "
        "split give for the configurations it chose, the luck of having been chosen together with the difference between the two splits."
        f"{beside}"
    )


def both(found: Findings) -> pd.DataFrame:
    """Confirmed configurations in their order, with what selection had reported: `_selection`, `_test` and `optimism` of the utility.

    `chosen` says whether the search's scores brought it there: all but an ERM that was the only one tried, which races whatever its score.
    """
    if found.confirmed is None:
        return pd.DataFrame()
    after, before = found.confirmed[1].frame, found.frame
    joined = after.merge(before, on=["method", "configuration"], how="left", suffixes=("_test", "_selection"))
    figures = {f"{name}_{split}": joined[f"{name}_{split}"] for name in (*FIGURES, "utility") for split in ("selection", "test")}
    ends = {f"{name}_{end}": joined[f"{name}_{end}_test"] for name in (*FIGURES, "utility") for end in ("low", "high")}
    label = [f"{method} {number}" for method, number in zip(joined["method"], joined["configuration"], strict=True)]
    alone = (found.table.configurations["method"] == BASELINE).sum() == 1
    kept = {
        "rank": joined["rank_test"],
        "label": label,
        "method": joined["method"],
        "configuration": joined["configuration"],
        "chosen": (joined["method"] != BASELINE) | (not alone),
        "seeds": joined["seeds_test"],
    }
    likely = {"p_best": joined["p_best_test"], "rank_selection": joined["rank_selection"], "guarantee": joined["guarantee_test"]}
    return pd.DataFrame({**kept, **figures, **ends, **likely, "optimism": joined["utility_selection"] - joined["utility_test"]})


def optimism(pairs: pd.DataFrame) -> tuple[float, float]:
    """Mean of selection less test utility over the confirmed configurations that were chosen, and half its 95 % interval over them.

    The gap of what nothing chose says nothing of the luck of being chosen; it counts only where there is no other.
    """
    from scipy import stats

    chosen = pairs[pairs["chosen"]]
    gaps = (chosen if len(chosen) else pairs)["optimism"].dropna().to_numpy()
    if len(gaps) < 2:
        return (float(gaps[0]) if len(gaps) else float("nan")), float("nan")
    return float(gaps.mean()), float(stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps)))

"""Methods compared at equal budget, and the Pareto fronts over all of them."""

from analysis import compare, words
from analysis.figures import contrasts, front
from analysis.findings import Findings
from analysis.page import Column, Row, Section, Sheet

COLUMNS = (
    Column("method", "best configuration", kind="heading"),
    Column("tried"),
    Column("gain in mean", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("gain in tail", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("P(better than ERM)", "utility, 95 % interval"),
    Column("meaningful"),
)


def compared(found: Findings) -> Section | None:
    """Each method's best against ERM's, and all configurations side by side."""
    if len(found.table.methods) < 2:
        return None
    drawn = [contrasts.spread(found.frame, found.looks)]
    if not len(found.contrasts):
        text = "The study has no finished ERM configuration, so that no method can be held against it."
        return Section("methods", "Methods compared", [text], drawn)
    if found.contrasts["low"].notna().any():
        drawn.insert(0, contrasts.gains(found.contrasts, found.looks))
    rows = [_row(found, str(method)) for method in dict.fromkeys(found.contrasts["method"])]
    sheet = Sheet("The best configuration of each method against ERM, by seeds in common.", COLUMNS, rows, "methods")
    return Section("methods", "Methods compared", _words(found), drawn, [sheet])


def _row(found: Findings, method: str) -> Row:
    part = found.contrasts[found.contrasts["method"] == method]
    accuracy, tail, overall = (row for _, row in part.iterrows())
    cells = [method, f"{int((found.table.configurations['method'] == method).sum()):,}"]
    for one in (accuracy, tail):
        cells += [words.gain(one), _p(one["p_holm"])]
    chance = f"{words.chance(overall['chance'])} ({words.chance(overall['chance_low'])} to {words.chance(overall['chance_high'])})"
    known = words.known(overall["chance_low"])
    cells += [chance, "yes" if overall["meaningful"] else "no"] if known else [words.NONE] * 2
    best = found.frame[(found.frame["method"] == method) & (found.frame["configuration"] == overall["configuration"])].iloc[0]
    return Row(cells, f"configuration {best['configuration']}" + (f": {best['knobs']}" if best["knobs"] else ""))


def _p(value: float) -> str:
    return words.p_value(value).removeprefix("= ") if words.known(value) else words.NONE


def _words(found: Findings) -> list[str]:
    counts = found.table.configurations[found.table.configurations["method"].isin(found.contrasts["method"])].groupby("method").size()
    fewest, most = int(counts.min()), int(counts.max())
    budget = "Every method had the same budget"
    if fewest < most:
        budget = f"The budgets differ so far, from {fewest:,} to {most:,} configurations; methods with more had more chances"
    if found.contrasts["p"].isna().all():
        return [_choice(budget), "These are differences of single runs: without a second seed there is nothing to test them against."]
    tests = (
        f"Differences are tested seed by seed where common seeds correlate ({_correlations(found)}), with moderated variances; p-values "
        f"are Holm's over the methods.{_rank_test(found)} A gain is called meaningful if a retraining beats one of ERM with probability of "
        f"at least {100 * compare.MEANINGFUL:.0f} %, and its lower bound exceeds 50 %."
    )
    return [_choice(budget), tests]


def _rank_test(found: Findings) -> str:
    """What a test of ranks could not reach with so few seeds; empty where it could reach 5 % for every method."""
    best = found.frame[["method", "configuration", "seeds"]].merge(found.contrasts[["method", "configuration"]].drop_duplicates())
    of_erm = int(found.frame["seeds"].to_numpy()[found.frame.index == found.ranked.baseline][0])
    numbers = sorted({int(number) for number in best["seeds"]}, reverse=True)
    least = [(number, compare.least_rank_p(number, of_erm)) for number in numbers]
    told = [f"p = {p:.2g} with {number} against ERM's {of_erm} seeds" for number, p in least if p > 0.05]
    return f" A rank test could not fall below {words.listed(told)} whatever the data." if told else ""


def _choice(budget: str) -> str:
    return (
        f"{budget}. Each method stands by its best configuration under the rule, which was chosen for looking good: its gain here is too "
        "high by as much as luck helped it."
    )


def _correlations(found: Findings) -> str:
    told = []
    for _, row in found.contrasts.drop_duplicates("figure").iterrows():
        name = "mean" if row["figure"] == "accuracy" else row["figure"]
        told.append(f"{name} {words.signed(row['correlation'])}{'' if row['paired'] else ', so compared unpaired'}")
    return "; ".join(told)


def fronts(found: Findings) -> Section | None:
    """The Pareto fronts over pairs of figures; None where there is but one configuration."""
    frame = found.frame
    if len(frame) < 2:
        return None
    pairs = [("accuracy", "tail")]
    if frame["stability"].notna().any():
        pairs += [("accuracy", "stability"), ("tail", "stability")]
    drawn = [front.front(frame, found.looks, across, up) for across, up in pairs]
    sure = int((frame["front"] >= 0.5).sum())
    text = [
        (
            "A configuration is on the front if no other is as good on both figures and better on one; which ones are depends on the seeds "
            "drawn."
        )
    ]
    if frame["front"].notna().any():
        text.append(
            f"With probability of a half or more {words.count(sure, 'configuration')} of {len(frame):,} {'lies' if sure == 1 else 'lie'} "
            "on the front of all three figures; the ranking's column P(front) has each."
        )
    return Section("fronts", "Pareto fronts", text, drawn)

"""What stands at the head of the report: the answer in three sentences, what cannot be concluded, and the facts of the study."""

import numpy as np
import pandas as pd

from analysis import chances, comparable, words
from analysis.findings import Findings, called, failed
from analysis.page import Head
from analysis.ranking import Ranking
from analysis.sections.order import both, optimism, utility
from analysis.summary import USEFULNESS
from analysis.table import FIGURES, Table
from trainables.evidence import COLLAPSED, DIVERGED


def head(found: Findings) -> Head:
    """The head of the page."""
    table = found.table
    data = table.intent.get("data")
    name = data.get("name", "") if isinstance(data, dict) else data or ""
    net = table.intent.get("net")
    scenario = comparable.scenario_of(table)
    trained = "" if scenario == comparable.SUPERVISED else f"{scenario}: trained without labels, scored by a classifier on what it learned"
    noise = f"label noise {float(data['label_noise']):g}" if isinstance(data, dict) and data.get("label_noise") else ""
    parts = (name and f"data {name}", noise, isinstance(net, dict) and f"net {net.get('name', '')}", trained)
    return Head(f"Study {table.name}", " · ".join(str(part) for part in parts if part), sentences(found), warnings(found), facts(found))


def sentences(found: Findings) -> list[str]:
    """Which configuration, how sure, and how it stands against ERM: from the confirmed figures once there are some."""
    if found.confirmed is None:
        return [_which(found.ranked), _how_sure(found.ranked), _against(found.ranked)]
    ranked = found.confirmed[1]
    gap, _ = optimism(both(found))
    return [
        _which(ranked, "confirmed on fresh seeds and the test split, "),
        _how_sure(ranked, "the confirmed "),
        _against(ranked, "fresh seeds, each configuration's mean shrunken towards the others") + _reported(gap),
    ]


def _reported(gap: float) -> str:
    """What the search had said of those it chose, beside what fresh seeds say."""
    if not words.known(gap):
        return ""
    much = f"{100 * abs(gap):.1f}"
    told = "the same utility" if float(much) == 0 else f"{much} points of utility {'more' if gap > 0 else 'less'}"
    return f" The search had reported {told} on average for those it chose."


def _called(row: pd.Series) -> str:
    return called(row) + (f" ({row['knobs']})" if row["knobs"] else "")


def _which(ranked: Ranking, where: str = "") -> str:
    first = ranked.frame.iloc[0]
    if first["failures"] == first["seeds"]:
        return f"{_called(first)} comes first, {where}with {_levels(first)}; every seed of it failed, so nothing is guaranteed."
    if not words.known(first["guarantee"]):
        return (
            f"{_called(first)} comes first, {where}with {_levels(first)}; with one seed a configuration nobody can say what a retraining "
            "would give."
        )
    return (
        f"{_called(first)} comes first by rule {ranked.rule}, {where}with {_levels(first)}; a retraining with a new seed exceeds a "
        f"utility ({utility(ranked)}) of {words.percent(first['guarantee'])} % with chance 95 %."
    )


def _levels(row: pd.Series) -> str:
    mean, tail = (words.score(row, name) for name in ("accuracy", "tail"))
    return f"mean accuracy {mean} %, tail {tail} %"


def _how_sure(ranked: Ranking, which: str = "") -> str:
    frame = ranked.frame
    aside = sorted(set(frame.loc[~frame["kept"], "reason"].str.replace(r"^\d+ of \d+ ", "", regex=True)))
    if not frame["kept"].any():
        if len(frame) == 1:
            return f"The rule does not keep the only configuration so far ({aside[0]})."
        return f"The rule keeps none of {which}{len(frame):,} ({words.listed(aside)}), so none is called the best."
    if not frame["indistinguishable"].any():
        return "How sure this is cannot be told: the spread between retrainings is unknown."
    if len(frame) == 1:
        return "It is the only configuration so far, so there is nothing to choose between."
    kept = int(frame["kept"].sum()) if ranked.rule == "guarantee" else len(frame)
    if kept == 1:
        rest = f"the others are set aside ({words.listed(aside)}): nothing was chosen between."
        return f"It is the only one of {which}{len(frame):,} that the rule keeps, {rest}"
    whole = f"{which}{len(frame):,}"
    among = whole if kept == len(frame) else f"the {kept:,} that the rule keeps from {whole}"
    return f"It is the best of {among} with probability {words.chance(frame['p_best'].iloc[0])}{_likelier(ranked)}; {_rivals(ranked)}."


def _rivals(ranked: Ranking) -> str:
    """How many may be the best as well; or that the first, which the rule prefers for what it guarantees, is not one of them."""
    among = ranked.frame["indistinguishable"]
    others = int(among.sum()) - bool(among.iloc[0])
    if not among.iloc[0]:
        best = "another" if others == 1 else f"one of {others} others"
        return f"with 95 % confidence {best} is the best in the mean of retrainings, and the rule prefers this one for how little they vary"
    if not others:
        return "no other can be the best with 95 % confidence"
    return f"{words.count(others, 'other')} cannot be told from the best with 95 % confidence"


def _likelier(ranked: Ranking) -> str:
    """Who is likelier to be best than the first, where the rule asks for more than a high mean."""
    chance = ranked.frame["p_best"]
    if not words.known(chance.max()) or chance.max() - chance.iloc[0] < 0.01:
        return ""
    row = ranked.frame.iloc[int(chance.argmax())]
    return f" ({called(row)}, which the rule puts {words.ordinal(int(row['rank']))}, with {words.chance(chance.max())})"


def _against(ranked: Ranking, how: str = "after shrinkage for having been chosen") -> str:
    first = ranked.frame.iloc[0]
    if ranked.baseline is None:
        return "The study has no finished ERM configuration yet, so nothing can be said against it."
    if ranked.frame.index[0] == ranked.baseline:
        alone = (ranked.frame["method"] == ranked.frame["method"].iloc[0]).all()
        return f"It is plain ERM: {'no other method has finished yet' if alone else 'no method of this study beats it by this rule'}."
    told = {name: _gain(ranked, name) for name in FIGURES}
    gains = [f"{told[name]} points in {'mean' if name == 'accuracy' else name}" for name in FIGURES if told[name]]
    if not words.known(first["guarantee"]):
        return f"Against ERM it differs by {words.listed(gains)}: single runs, of which this one was chosen for being high."
    return f"Against ERM it differs by {words.listed(gains)} ({how}; 95 % intervals)."


def _gain(ranked: Ranking, name: str) -> str:
    """First less ERM in a figure with its 95 % interval, after shrinkage; of single runs the plain difference; empty if unknown."""
    figure, index = ranked.summary.figures[name], ranked.summary.configurations.index
    a, b = (int(index.get_indexer(pd.Index([key]))[0]) for key in (ranked.frame.index[0], ranked.baseline))
    gap, low, high = chances.difference(ranked.summary, a, b, name)
    if words.known(gap):
        return f"{words.points(gap)} ({words.points(low)} to {words.points(high)})"
    plain = float(figure.mean[a] - figure.mean[b])
    return words.points(plain) if words.known(plain) else ""


def warnings(found: Findings) -> list[str]:
    """What cannot be concluded, and what was not read."""
    table, ranked = found.table, found.ranked
    frame, summary = ranked.frame, ranked.summary
    told = []
    if (summary.seeds < 2).all():
        told.append(
            "Every configuration has one seed: there are no intervals, chances or guarantees, and the order may be seed noise alone. "
            "Raise seeds and resume."
        )
    elif not np.isfinite(summary.figures[USEFULNESS].lower).all():
        told.append("For some configurations the spread over seeds is unknown; they are ordered by their plain mean.")
    if len(frame) == 1:
        told.append("One configuration has finished: there is no ranking yet, and no spread to borrow from others.")
    if (summary.failures == summary.seeds).all():
        told.append(_all_failed(list(failed(found))))
    if ranked.rule == "guarantee" and not frame["kept"].any():
        told.append("No configuration passes the guarantee rule's conditions; the order below is by failed seeds, then by the lower bound.")
    if ranked.rule == "oracle":
        told.append("Rule oracle chose by the test split: the figures shown are those it chose by, and too high for a forecast.")
    if found.confirmed is None and ranked.rule != "oracle" and len(frame) > 1:
        told.append(
            "Nothing is confirmed yet: these are figures on the split that the search chose by. Run altiplano confirm for fresh seeds "
            "on the test split."
        )
    unfinished = _unfinished(table)
    return [*([unfinished] if unfinished else []), *told, *table.notes]


def _all_failed(ways: list[str]) -> str:
    advice = {
        DIVERGED: "Lower the learning rate or the knobs' ranges.",
        COLLAPSED: "A collapsed net gives all pictures about the same embedding; another learning rate or temperature may help.",
    }
    told = " or ".join(ways)
    return " ".join([f"Every seed of every configuration {told}: all stand at chance level.", *(advice[way] for way in ways)])


def _unfinished(table: Table) -> str:
    budget = table.intent.get("budget")
    wanted = int(float(budget.get("configurations") or 0)) if isinstance(budget, dict) else 0
    counts = table.configurations.groupby("method").size()
    there = {name: int(counts.get(name, 0)) for name in (table.intent.get("methods") or {}) if _has_knobs(table, name)}
    short = [f"{number} of {name}" for name, number in there.items() if 0 < number < wanted]
    none = [name for name, number in there.items() if number < min(1, wanted)]
    told = [f"only {words.listed(short)} are there"] if short else []
    told += [f"none of {words.listed(none)}"] if none else []
    return f"The study is not finished: of {wanted} configurations a method, {'; '.join(told)}." if told else ""


def _has_knobs(table: Table, method: str) -> bool:
    """Whether a method has more than one configuration to try: a budget means nothing for one without a knob."""
    settings = (table.intent.get("methods") or {}).get(method)
    ranges = [value for value in (settings or {}).values() if isinstance(value, list)] if isinstance(settings, dict) else []
    training = table.intent.get("training") or {}
    return bool(ranges) or any(isinstance(value, list) for value in training.values())


def facts(found: Findings) -> list[tuple[str, str]]:
    """Small facts of the study."""
    table, ranked = found.table, found.ranked
    state = table.configurations["state"]
    dropped = int((state == "dropped").sum())
    told = [
        ("configurations", f"{len(ranked.frame):,}" + (f" + {dropped:,} dropped at rungs" if dropped else "")),
        ("methods", f"{len(table.methods)}"),
        ("seeds a configuration", words.between(ranked.summary.seeds)),
        ("members trained", f"{len(table.members):,}"),
        *[(name, f"{number:,}") for name, number in ({DIVERGED: 0} | failed(found)).items()],
        ("training time", words.duration(float(table.members["seconds"].sum()))),
    ]
    if table.truth is not None:
        told.append((f"examples, {table.split} split", f"{len(table.truth.y):,} of {table.truth.classes} classes"))
    told.append(("tail", str(table.intent.get("tail", "as scored"))))
    return told

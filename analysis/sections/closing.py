"""What the study cannot tell, and how to do it again."""

import numpy as np
import yaml

from analysis import words
from analysis.comparable import tail_of
from analysis.findings import Findings, failed
from analysis.page import Section
from analysis.summary import USEFULNESS
from analysis.table import BASELINE


def limits(found: Findings) -> Section:
    """What cannot be concluded from this study, from its own numbers."""
    told = [
        (
            "Intervals and chances are over retrainings with new seeds on this split and data; another data set, network or budget is "
            "another question."
        ),
        *_of_split(found),
        *_of_order(found),
        *_of_spread(found),
    ]
    if found.confirmed is None:
        shrunk = np.isfinite(found.ranked.summary.figures[USEFULNESS].spread)
        luck = "Shrinkage takes the average luck out of the leaders; only" if shrunk else "Only"
        rest = "the rest" if shrunk else "the luck of those that lead"
        told.append(f"The search chose by the figures shown here. {luck} fresh seeds on the test split can take out {rest}.")
    return Section("limits", "What this study cannot tell", told)


def _of_split(found: Findings) -> list[str]:
    truth = found.table.truth
    if truth is None:
        return []
    level = float(found.frame["accuracy"].iloc[0])
    error = 1.96 * np.sqrt(level * (1 - level) / len(truth.y))
    tail = tail_of(found.table)
    part, many = (truth.group, "group") if tail == "worst-group" else (truth.y, "class")
    smallest = int(np.bincount(part)[np.bincount(part) > 0].min())
    worst = f"; a {tail} score, as the least of several, is biased downwards" if tail.startswith("worst") else ""
    return [
        (
            f"The split itself has {len(truth.y):,} examples: a mean accuracy near {words.percent(level)} % is known to within "
            f"{100 * error:.1f} points as a figure of the population they come from. That error is mostly shared by all configurations "
            "and so hardly touches their order."
        ),
        f"The smallest {many} has {words.count(smallest, 'example')}: its accuracy moves in steps of {100 / smallest:.1f} points{worst}.",
    ]


def _of_order(found: Findings) -> list[str]:
    inside = int(found.frame["indistinguishable"].sum())
    if inside < 2:
        return []
    told = f"{inside:,} configurations share 95 % of the chance of being best: their order is not settled. "
    wanted = min(max(5, 2 * inside), len(found.frame))
    if found.confirmed is None:
        advice = f"Fresh seeds for the first {wanted:,} ({_race(found, wanted)}) would tell more than more configurations."
        return [told + advice]
    raced = int((found.confirmed[1].frame["method"] != BASELINE).sum())
    advice = f"Only {raced:,} have fresh seeds; one that did not race may still be the best ({_race(found, wanted)})."
    return [told + advice] if raced < inside else []


def _race(found: Findings, wanted: int) -> str:
    """The command by which so many race; without --top they are as many, unless the study file says otherwise."""
    asked = found.table.intent.get("confirm")
    fixed = isinstance(asked, dict) and asked.get("top")
    return f"altiplano confirm {found.table.name}" + (f" --top {wanted}" if fixed else "")


def _of_spread(found: Findings) -> list[str]:
    summary, told = found.ranked.summary, []
    if summary.seeds.max() < 2:
        told.append("With one seed a configuration nothing is known of what another seed would give: every difference may be luck.")
    elif summary.seeds.max() < 5:
        told.append(
            f"With {words.count(float(summary.seeds.max()), 'seed')} a configuration, single variances are known within a factor of "
            "several; intervals borrow strength from all configurations of a method and take them to be alike in this."
        )
    if summary.failures.sum():
        rate = float(summary.failures.sum() / summary.seeds.sum())
        ways = [f"{words.count(number, 'seed')} {name}" for name, number in failed(found).items()]
        told.append(
            f"{words.listed(ways)} ({100 * rate:.1f} %), which {'counts' if summary.failures.sum() == 1 else 'count'} at chance level; a "
            "configuration with a failed seed is neither shrunken nor used to judge others' spread."
        )
    figure = summary.figures[USEFULNESS]
    unusual = int((~figure.usual).sum() - (summary.failures > 0).sum())
    if unusual > 0 and np.isfinite(figure.spread):
        were = "was" if unusual == 1 else "were"
        told.append(
            f"{words.count(unusual, 'configuration')} hardly learned and {were} left out of the population that means are shrunken to."
        )
    return told


def again(found: Findings) -> Section:
    """How to reproduce the study: file, environment, commands."""
    table = found.table
    weights = ",".join(f"{name}={weight:g}" for name, weight in found.ranked.weights.items())
    commands = ["altiplano launch study.yaml", f"altiplano report {table.name} --rule {found.ranked.rule} --weights {weights}"]
    if table.confirmed is not None:
        commands.insert(1, f"altiplano confirm {table.name}")
    listings = []
    if table.intent:
        listings.append(("Study file, every default written out", yaml.safe_dump(table.intent, sort_keys=False, allow_unicode=True)))
    if table.environment:
        listings.append(("Environment", yaml.safe_dump(table.environment, sort_keys=True, allow_unicode=True)))
    listings.append(("Commands", "\n".join(commands)))
    text = (
        "Save the study file as study.yaml and run the commands with the versions below. A member's result depends on its configuration "
        "and seed alone, not on the group or the order it was trained in."
    )
    return Section("again", "How to reproduce it", [text], listings=listings)

"""What the study cannot tell, and how to do it again."""

import numpy as np
import yaml

from analysis import words
from analysis.findings import Findings
from analysis.page import Section


def limits(found: Findings) -> Section:
    """What cannot be concluded from this study, from its own numbers."""
    summary, frame = found.ranked.summary, found.frame
    told = [
        "Intervals and chances are over retrainings with new seeds on this split and data; another data set, network or budget is another question."
    ]
    truth = found.table.truth
    if truth is not None:
        level = float(frame["accuracy"].iloc[0])
        error = np.sqrt(level * (1 - level) / len(truth.y))
        told.append(
            f"The split itself has {len(truth.y):,} examples: a mean accuracy near {words.percent(level)} % is known to ± {196 * error:.1f} points as a figure of the "
            "population they come from. That error is mostly shared by all configurations and so hardly touches their order."
        )
        smallest = int(np.bincount(truth.y)[np.bincount(truth.y) > 0].min())
        told.append(
            f"The smallest class has {words.count(smallest, 'example')}, so a worst-class score moves in steps of {100 / smallest:.1f} points and, as the least of several, is biased downwards."
        )
    inside = int(frame["indistinguishable"].sum())
    if inside > 1:
        told.append(
            f"{inside:,} configurations share 95 % of the chance of being best: their order is not settled. Fresh seeds for the first {max(5, 2 * inside):,} (altiplano confirm) would do more than more configurations."
        )
    if summary.seeds.max() < 5:
        told.append(
            f"With {words.count(float(summary.seeds.max()), 'seed')} a configuration, single variances are known within a factor of several; intervals borrow strength from all configurations of a method and assume they are alike in this."
        )
    if summary.failures.sum():
        rate = summary.failures.sum() / summary.seeds.sum()
        told.append(
            f"{words.count(float(summary.failures.sum()), 'seed')} diverged ({100 * rate:.1f} %). They count at chance level; a configuration with a failed seed is neither shrunken nor used to judge others' spread."
        )
    unusual = int((~summary.figures["utility"].usual).sum() - (summary.failures > 0).sum())
    if unusual > 0 and np.isfinite(summary.figures["utility"].spread):
        told.append(
            f"{words.count(unusual, 'configuration')} hardly learned and were left out of the population that means are shrunken to."
        )
    if found.confirmed is None:
        told.append(
            "The search chose by the figures shown here. Shrinkage takes the average luck out of the leaders; only fresh seeds on the test split can take out the rest."
        )
    return Section("limits", "What this study cannot tell", told)


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
    text = "Save the study file as study.yaml and run the commands with the versions below. A member's result depends on its seed and configuration alone, not on the machine it shared a group with."
    return Section("again", "How to reproduce it", [text], listings=listings)

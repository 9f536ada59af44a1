"""The course of the search: progress, halving, cost."""

import numpy as np
import pandas as pd

from analysis import findings, pareto, words
from analysis.figures import course as drawn
from analysis.findings import Findings
from analysis.page import Column, Row, Section, Sheet
from analysis.table import FIGURES
from trainables.evidence import FAILED, PRUNED

CHECKS = 60
"""Points at which the hypervolume is taken."""

LEAST = 1e-12
"""Hypervolume below which the front is one point to rounding: where shrinkage makes all alike, no course is to be seen."""


def progress(found: Findings) -> Section | None:
    """Best so far by method, and hypervolume against members trained."""
    if len(found.frame) < 3:
        return None
    drawings = [drawn.best_so_far(_best_so_far(found), found.looks)]
    volume = _hypervolume(found)
    if volume:
        drawings.append(drawn.hypervolume(*volume))
    text = []
    if volume:
        members, values, _ = volume
        late = 1 - values[np.searchsorted(members, 0.75 * members[-1])] / values[-1]
        text.append(f"The last quarter of the members widened the front's hypervolume by {100 * late:.0f} % of its final size.")
    return Section("progress", "Search progress", text, drawings)


def _best_so_far(found: Findings) -> dict[str, drawn.Steps]:
    utility = found.frame["utility_shrunk"]
    steps = {}
    for method in found.table.methods:
        rows = found.table.configurations[found.table.configurations["method"] == method].sort_values("configuration")
        scored = utility.reindex(rows.index).to_numpy(float)
        tried = np.flatnonzero(np.isfinite(scored)) + 1.0
        if len(tried):
            steps[method] = (tried, np.maximum.accumulate(scored[np.isfinite(scored)]))
    return steps


def _hypervolume(found: Findings) -> tuple[np.ndarray, np.ndarray, str] | None:
    names = [name for name in FIGURES if found.frame[name].notna().all()]
    ordered = found.frame.sort_values(["configuration", "method"])
    points = ordered[[f"{name}_shrunk" for name in names]].to_numpy(float)
    if len(names) < 2 or len(points) < 3 or not np.isfinite(points).all():
        return None
    reference = np.median(points, axis=0)
    ends = np.unique(np.linspace(1, len(points), CHECKS).round().astype(int))
    best, volumes, start = points[:0], [], 0
    for end in ends:
        pool = np.vstack([best, points[start:end]])
        best, start = pool[pareto.front(pool)], end
        volumes.append(pareto.hypervolume(best, reference))
    if volumes[-1] < LEAST:
        return None
    members = ordered["seeds"].to_numpy(float).cumsum()[ends - 1]
    return members, np.array(volumes), words.listed([{"accuracy": "mean"}.get(name, name) for name in names])


def halving(found: Findings) -> Section | None:
    """What halving dropped where."""
    table = found.table
    configurations = table.configurations
    dropped = configurations[configurations["state"] == "dropped"]
    if dropped.empty:
        return None
    rungs = sorted(int(epoch) for epoch in dropped["epochs"].unique())
    last = int(configurations["epochs"].max())
    methods = [method for method in table.methods if (configurations["method"] == method).any()]
    counts = {}
    for method in methods:
        epochs = configurations.loc[configurations["method"] == method, "epochs"].to_numpy()
        ends = np.where(configurations.loc[configurations["method"] == method, "state"] == "dropped", epochs, last)
        counts[method] = [int((ends >= epoch).sum()) for epoch in [0, *rungs, last]]
    survivors = pd.DataFrame.from_dict(counts, orient="index", columns=[0, *rungs, last if last not in rungs else last + 1])
    columns = [
        Column("method", kind="heading"),
        Column("started"),
        *[Column(f"dropped at epoch {rung}") for rung in rungs],
        Column("trained to the end"),
    ]
    rows = []
    for method, row in survivors.iterrows():
        part = dropped[dropped["method"] == method]
        at = [int((part["epochs"] == rung).sum()) for rung in rungs]
        rows.append(Row([str(method), f"{row.iloc[0]:,}", *[f"{number:,}" for number in at], f"{row.iloc[-1]:,}"]))
    untrained = float((last - table.members["epochs"])[table.members["status"] == PRUNED].sum())
    saved = untrained / max(1.0, float(len(table.members) * last))
    text = (
        f"{words.count(len(dropped), 'configuration')} of {len(configurations):,} were dropped at rungs, which saved {100 * saved:.0f} % "
        "of the epochs. They are not ranked: fewer epochs are another measurement."
    )
    return Section(
        "halving", "Halving", [text], [drawn.halving(survivors, found.looks)], [Sheet("Configurations by method.", columns, rows)]
    )


def cost(found: Findings) -> Section | None:
    """Hours by method and what was lost."""
    members = found.table.members
    seconds = float(members["seconds"].sum())
    if not seconds > 0:
        return None
    status = members["status"]
    fate = np.where(status.isin(FAILED), status, np.where(status == PRUNED, "dropped", "kept"))
    hours = (
        members.assign(fate=fate).pivot_table(
            index="method", columns="fate", values="seconds", aggfunc="sum", fill_value=0.0, observed=True
        )
        / 3600
    )
    hours = hours.reindex(columns=["kept", "dropped", *FAILED], fill_value=0.0).reindex(found.table.methods).fillna(0.0)
    lost = found_faults(found)
    shares = [
        f"{100 * 3600 * float(hours[name].sum()) / seconds:.1f} % went into {word}"
        for name, word in (("dropped", "configurations dropped at rungs"), *((name, f"seeds that {name}") for name in FAILED))
        if hours[name].sum() > 0
    ]
    devices = words.listed(sorted(str(device) for device in members["device"].unique()))
    text = [f"{words.duration(seconds)} of training in all, on {devices}" + (f"; {words.listed(shares)}" if shares else "") + ".", lost]
    return Section("cost", "Cost", text, [drawn.cost(hours, found.looks)])


def found_faults(found: Findings) -> str:
    """What was lost to faults of machines, in words."""
    listed = findings.faults(found.table)
    if not listed:
        return "No fault of a worker is on record; what a kill of the whole search cost is not recorded."
    lost = sum(float(str(fault.get("seconds", 0))) for fault in listed)
    share = lost / (lost + float(found.table.members["seconds"].sum()))
    return (
        f"{words.count(len(listed), 'fault')} of workers or their machines threw at least {words.duration(lost)} of training away, "
        f"{100 * share:.1f} % of all work; what followed a worker's last result and what a kill of the whole search cost is not recorded."
    )

"""Class by class, example by example, and how much retrainings agree."""

import base64
import io
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import statistics, words
from analysis.figures import classes as drawn_classes
from analysis.figures import seeds as drawn_seeds
from analysis.findings import Findings, best_of_each, called, predictions_of, row_of
from analysis.page import Column, Picture, Row, Section, Sheet
from analysis.table import Table
from trainables.evidence import FAILED

HARDEST = 18
STEADY = 8


def classes(found: Findings) -> Section | None:
    """Accuracy by class, and by group where the data has groups, of the first configuration and ERM."""
    truth = found.table.truth
    if truth is None:
        return None
    keys = [int(str(found.frame.index[0]))]
    if found.ranked.baseline is not None and found.ranked.baseline not in keys:
        keys.append(found.ranked.baseline)
    drawn = []
    for name, part, titles in (("class", truth.y, found.table.names), ("group", truth.group, [])):
        size = np.bincount(part)
        if name == "group" and (size > 0).sum() < 2:
            continue
        named = [titles[place] if place < len(titles) else f"{name} {place}" for place in range(len(size))]
        shares = {}
        for key in keys:
            right = predictions_of(found.table, key) == truth.y
            if len(right):
                by_part = np.stack([np.bincount(part, weights=seed, minlength=len(size)) for seed in right]) / np.maximum(size, 1)
                row = row_of(found.frame, key)
                shares[called(row)] = (found.looks[str(row["method"])], by_part[:, size > 0])
        if shares:
            kept = np.flatnonzero(size > 0)
            drawn.append(drawn_classes.parts(name, [named[place] for place in kept], size[kept], shares, found.table.split))
    title = "Worst classes and groups" if len(drawn) > 1 else "Worst classes"
    return Section("classes", title, drawings=drawn) if drawn else None


def hardest(found: Findings) -> Section | None:
    """The examples that most members get wrong, with their pictures where the data has some."""
    table = found.table
    if table.truth is None or not table.wrong:
        return None
    total = np.sum(list(table.wrong.values()), axis=0)
    members = _counted(table)
    panel = [predictions_of(table, int(str(key))) for key in best_of_each(found.frame).index]
    predictions = np.concatenate(panel)
    order = np.lexsort((np.arange(len(total)), -total))[:HARDEST]
    order = order[total[order] > 0]
    if not len(order):
        return None
    shown = [_picture(table, int(example), int(total[example]), members, predictions[:, example]) for example in order]
    never = int((total == members).sum())
    every = f"{words.count(never, 'example')} {'is' if never == 1 else 'are'} wrong" if never else "no example is wrong"
    text = [
        (
            f"Of the {len(total):,} examples of the {table.split} split, {every} in {_by_all(members, total)}. With noisy labels, look "
            "here first for wrong ones."
        )
    ]
    if len(table.pictures) and table.pictures.ndim >= 3:
        return Section(
            "examples",
            "Examples that most seeds get wrong",
            text,
            pictures=[Picture(source, f"{label}: {told}", label) for label, told, source in shown],
        )
    columns = [Column("example", kind="heading"), Column("wrong", kind="text")]
    rows = [Row([label, told]) for label, told, _ in shown]
    return Section("examples", "Examples that most seeds get wrong", text, sheets=[Sheet("The hardest examples.", columns, rows)])


def _by_all(members: int, total: NDArray[np.int64]) -> str:
    if members == 1:
        return "the only member trained to the end"
    half = int((total >= members / 2).sum())
    return f"all {members:,} members trained to the end; in half of them or more {half:,} {'is' if half == 1 else 'are'}"


def _counted(table: Table) -> int:
    """Members whose predictions were counted: those of configurations trained to the end that did not fail."""
    complete = table.configurations.index[table.configurations["state"] == "complete"]
    members = table.members
    return int((members["scored"] & members["key"].isin(complete) & ~members["status"].isin(FAILED)).sum())


def _picture(table: Table, example: int, wrong: int, members: int, predictions: NDArray[np.int16]) -> tuple[str, str, str]:
    """(label, how often and for what it was taken, data URI)."""
    truth = table.truth.y[example] if table.truth else 0
    others = predictions[predictions != truth]
    taken = f", mostly taken for {_class(table, int(np.bincount(others).argmax()))}" if len(others) else ""
    share = 100 * wrong / members
    has_pictures = len(table.pictures) and table.pictures.ndim >= 3
    source = data_uri(table.pictures[example]) if has_pictures else ""
    return (
        f"no. {example}, labelled {_class(table, int(truth))}",
        f"wrong in {'all' if wrong == members else f'{min(share, 99):.0f} %'}{taken}",
        source,
    )


def _class(table: Table, number: int) -> str:
    return table.names[number] if number < len(table.names) else f"class {number}"


def data_uri(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W) or (H, W, 3) as a PNG in a data URI, the same bytes every time."""
    buffer = io.BytesIO()
    nothing: Any = {"Software": None}
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
    matplotlib.image.imsave(buffer, picture, format="png", metadata=nothing, **grey)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def stability(found: Findings) -> Section | None:
    """Churn and seed spread, with the spread net of the split's noise."""
    frame = found.frame
    if frame["stability"].notna().sum() < 1:
        return None
    nets = net_spread(found)
    columns = [
        Column("configuration", kind="heading"),
        Column("churn", "%, 95 % interval"),
        Column("seed SD of accuracy", "own seeds alone, points, 95 % interval"),
        Column("net of split noise", "moderated, points, 95 % interval"),
        Column("seeds"),
    ]
    rows = [_steady(row, row_of(nets, int(str(key)))) for key, row in frame.head(STEADY).iterrows()]
    text = [
        (
            "Churn is the share of examples on which two retrainings of a configuration disagree; it is steady at three seeds already, "
            "where the spread of accuracy is not: its own interval, from this configuration's seeds alone, is in the table."
        ),
        (
            "Part of that spread is single examples flipping on a split of finite size. What is left without it is how far retraining "
            "moves many examples together. It is taken from the moderated variance, which borrows from the other configurations, so it can "
            "exceed the spread beside it, which does not."
        ),
    ]
    drawn = [drawn_seeds.churn(frame, nets["net"], found.looks)] if nets["net"].notna().any() else []
    return Section("stability", "Stability", text, drawn, [Sheet(f"The first {len(rows)} of the ranking.", columns, rows)])


def net_spread(found: Findings) -> pd.DataFrame:
    """By configuration: raw SD of accuracy with its chi-square interval; moderated SD net of split noise with its interval. Shares."""
    summary = found.ranked.summary
    figure = summary.figures["accuracy"]
    noise = summary.configurations["noise"].to_numpy(float)
    rounding = 0.0 if found.table.truth is None else 1 / (12 * len(found.table.truth.y) ** 2)
    low, high = statistics.variance_interval(np.maximum(figure.raw, rounding), figure.raw_df)
    low = np.minimum(low, figure.raw)  # of seeds that are equal by rounding, the interval begins at none
    net = statistics.net_variance(figure.variance, noise)
    df = np.where(np.isfinite(figure.df), figure.df, 0)
    net_low, net_high = statistics.variance_interval(figure.variance, df)
    values = {"raw": figure.raw, "low": low, "high": high, "net": net, "net_low": net_low - noise, "net_high": net_high - noise}
    roots = {name: np.sqrt(np.maximum(value, 0)) for name, value in values.items()}
    return pd.DataFrame(roots, index=summary.configurations.index)


def _steady(row: pd.Series, net: pd.Series) -> Row:
    def spread(middle: str, low: str, high: str) -> str:
        if not words.known(net[middle]):
            return words.NONE
        return f"{100 * net[middle]:.2f} ({100 * net[low]:.2f} to {100 * net[high]:.2f})"

    churn = words.within(1 - row["stability"], 1 - row["stability_high"], 1 - row["stability_low"])
    return Row([called(row), churn, spread("raw", "low", "high"), spread("net", "net_low", "net_high"), f"{row['seeds']:.0f}"])

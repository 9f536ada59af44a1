"""The sections of the report, in reading order; each function makes one, or None where the study has nothing to show for it."""

from collections.abc import Iterator

import pandas as pd

from analysis.findings import Findings
from analysis.page import Section
from analysis.sections import closing, course, examples, learning, methods, mixed, order, turned


def every(found: Findings) -> Iterator[Section]:
    """All sections that this study has something to show for, each made when it is asked for."""
    makers = (
        order.confirmed,
        order.ranked,
        methods.compared,
        methods.fronts,
        turned.knobs,
        learning.curves,
        mixed.pictures,
        examples.classes,
        examples.hardest,
        examples.stability,
        learning.sharpness,
        course.progress,
        course.halving,
        course.cost,
        closing.limits,
        closing.again,
    )
    for make in makers:
        section = make(found)
        if section is not None:
            yield section


def tables(found: Findings) -> dict[str, pd.DataFrame]:
    """The complete tables beside the page, by file name."""
    numbers = found.table.knobs.reindex(found.frame.index).add_prefix("knob_")
    frames = {"ranking": pd.concat([found.frame, numbers], axis=1), "methods": found.contrasts}
    if found.confirmed:
        frames["confirmed"] = order.both(found)
    return frames

"""What a group leaves beside its evidence: a page of mixed pictures, and learned mixers that a later run may load."""

import io
from typing import Any

import numpy as np

from trainables import tree
from trainables.axes import Batch
from trainables.course import Course
from trainables.draws import streams
from trainables.mixing.frozen import write_mixer
from trainables.mixing.pictures import page

SHOWN = 64
"""Training examples that a page's mixing looks at."""


def keepsakes(course: Course) -> dict[str, bytes]:
    """Files of a finished course by name within the study's home, made for its most accurate member.

    `mixtures/GROUP.npz` holds a page of pictures, with method, configuration, seed and accuracy, where the mixing mixes inputs;
    `mixers/GROUP.npz` holds a learned mixer, for samix-p's option `mixer`. Nothing where every member has left.
    """
    if not course.run.rows:
        return {}
    scores = [curves["accuracy"][-1] for curves in course.run.curves]
    best = int(np.argmax(scores))
    found = {}
    mixing = course.setting.method.mixing
    state = tree.take(course.run.group.states.mixing, best)
    if mixing.keepsake is not None:
        buffer = io.BytesIO()
        write_mixer(mixing.keepsake(state), buffer)
        found[f"mixers/{course.job.group}.npz"] = buffer.getvalue()
    drawn = _page(course, state, best)
    if drawn is not None:
        row = course.run.rows[best]
        about = {"method": course.job.method, "configuration": row.configuration, "seed": row.seed, "accuracy": scores[best]}
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in {**drawn, **about}.items()}
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        found[f"mixtures/{course.job.group}.npz"] = buffer.getvalue()
    return found


def _page(course: Course, state: tree.Tree, index: int) -> dict[str, Any] | None:
    setting, data, row = course.setting, course.data, course.run.rows[index]
    if setting.method.mixing.show is None or len(data.shape) != 3:
        return None
    examples = data.train.spaced(SHOWN).to(setting.device)
    x = data.prepare(examples.x, setting.dtype)
    batch = Batch(x, x, examples.y, examples.group, view=x)
    made = page(setting.method.mixing, state, row.numbers, setting.net, batch, streams(row.seed, course.run.epoch))
    return None if made is None else made._asdict()

"""A data set of the user's own: `module:object`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trainables import plugin
from trainables.data.labels import numbered
from trainables.data.raw import OnDisk, Raw, as_floats, checked


def called(name: str, **options: Any) -> Raw | OnDisk:
    """The data set that `module:object` is or returns: a `Raw`, or arrays by name as in an NPZ file, or a pair (x, y).

    Raises:
        ValueError: If it is none of these.
    """
    thing = plugin.found(name)
    made = thing(**options) if callable(thing) else thing
    if isinstance(made, Raw):
        return checked(made, name)
    if isinstance(made, OnDisk):
        return made
    if isinstance(made, tuple) and len(made) == 2:
        made = {"x": made[0], "y": made[1]}
    if not isinstance(made, Mapping) or not {"x", "y"} <= made.keys():
        raise ValueError(
            f"{name} must give trainables.data.raw.Raw, a pair (x, y) or a mapping with x and y, it gave {type(made).__name__}"
        )
    return checked(_from_arrays(made, name), name)


def _from_arrays(arrays: Mapping[str, Any], name: str) -> Raw:
    endings = {"train": "", "selection": "_val", "test": "_test"}
    present = {part: ending for part, ending in endings.items() if f"x{ending}" in arrays}
    given = [str(one) for one in arrays["classes"]] if "classes" in arrays else None
    y, classes = numbered({part: np.asarray(arrays[f"y{ending}"]) for part, ending in present.items()}, given, name)
    group, groups = ({}, ("all",))
    if "group" in arrays:
        group, groups = numbered({part: np.asarray(arrays[f"group{ending}"]) for part, ending in present.items()}, None, name)
    parts = {
        part: Raw(_inputs(arrays[f"x{ending}"], f"{name}: x{ending}"), y[part], classes, group.get(part), groups)
        for part, ending in present.items()
    }
    train = parts["train"]
    return Raw(train.x, train.y, classes, train.group, groups, parts.get("test"), parts.get("selection"))


def _inputs(x: Any, where: str) -> Any:
    array = np.asanyarray(x)
    return array if array.dtype == np.uint8 else as_floats(array, where)

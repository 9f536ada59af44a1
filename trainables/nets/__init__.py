"""Networks by name, each on the staged seam."""

from collections.abc import Callable

from trainables.axes import Net
from trainables.nets.cnn import cnn
from trainables.nets.mlp import mlp
from trainables.nets.staged import Staged, functional

NETS: dict[str, Callable[..., Staged]] = {"mlp": mlp, "cnn": cnn}


def build(name: str, shape: tuple[int, ...], classes: int, **options: object) -> Net:
    """The net called `name` for inputs of `shape`."""
    return functional(lambda: NETS[name](shape, classes, **options), shape)

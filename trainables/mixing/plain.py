"""No mixing: the examples as they are."""

from collections.abc import Mapping

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Model, Net, Recipe, State, keep
from trainables.crossentropy import cross_entropy, evenly, targets
from trainables.draws import Streams


def plain() -> Mixing:
    """Cross-entropy of every example; draws nothing. What the criterion sees: the batch's B losses, equally weighted."""
    return Mixing(draw=_nothing, losses=losses)


def _nothing(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
    return {}


def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
    """Per-example cross-entropy (B,) and the running statistics after the pass."""
    logits, buffers = net.apply(model, batch.x, keep)
    return evenly(cross_entropy(logits, targets(batch, net, hyper, logits.dtype))), buffers

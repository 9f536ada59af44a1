"""The gradient where the weights are; and `descend`, the differentiation every perturbation shares."""

from collections.abc import Callable

from torch import Tensor
from torch.func import grad_and_value

from trainables.axes import Buffers, Gradient, Hyper, Losses, Objective, Params, Perturbation, Recipe, State


def unperturbed() -> Perturbation:
    """Plain gradient descent: the gradient at w. One forward and one backward pass."""
    return Perturbation(gradients=(gradient,))


def gradient(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
    """grad risk(losses(w))."""
    value, losses, buffers = descend(objective, params)
    return Gradient(value, losses, buffers, {})


def descend(objective: Objective, params: Params, risk: Callable[[Losses], Tensor] | None = None) -> tuple[Params, Losses, Buffers]:
    """Differentiate the objective at `params`: (gradient, losses, buffers after the pass).

    Args:
        objective: What is differentiated.
        params: Where.
        risk: Takes the place of the objective's own risk; a part of the batch, say.
    """
    to_scalar = risk or objective.risk

    def scalar(weights: Params) -> tuple[Tensor, tuple[Losses, Buffers]]:
        losses, buffers = objective.losses(weights)
        return to_scalar(losses), (losses, buffers)

    value, (_, (losses, buffers)) = grad_and_value(scalar, has_aux=True)(params)
    return value, losses, buffers

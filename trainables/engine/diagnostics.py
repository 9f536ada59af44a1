"""Figures about trained weights that compare across methods: sharpness at one common radius, and the length of the weights.

Taken between epochs, not in the step: they cost a method nothing that it is not timed for, and see the same examples in every epoch.
"""

from torch import Tensor
from torch.func import grad_and_value

from trainables import tree
from trainables.axes import Method, Model, Net, Params, Scalars
from trainables.crossentropy import cross_entropy, one_hot
from trainables.engine.asking import Ask, mapped
from trainables.engine.step import Member

COMMON_RADIUS = 0.05
"""Euclidean radius at which every method's sharpness is measured: SAM's default [ours]."""


def diagnose(method: Method, net: Net, group: Member, x: Tensor, y: Tensor, ask: Ask | None = None) -> Scalars:
    """Figures of the deployed models, one a row.

    Plain cross-entropy in evaluation mode, whatever the method trains on: there a loss depends on the weights alone, and not on the rest
    of the batch through batch norm.

    Args:
        method: The group's method; its mixing says which model is deployed.
        net: The net.
        group: Stacked members.
        x: Inputs (N, *shape), shared by all members; a few hundred are enough, all are differentiated at once.
        y: Class indices (N,).
        ask: How members are asked; mapped by default.

    Returns:
        `sharpness_common`, L(w + 0.05 g / ||g||) - L(w) with g = grad L(w), `weight_norm`, ||w|| over all tensors, and `plain_loss`,
        L(w) itself; each (rows,).
    """

    def figures(member: Member, shown: tuple[Tensor, Tensor]) -> Scalars:
        (x, y), model = shown, method.mixing.deploy(member.states.mixing, member.model)

        def loss(params: Params) -> Tensor:
            logits = net.predict(Model(params, model.buffers), x)
            return cross_entropy(logits, one_hot(y, net.classes, logits.dtype)).mean()

        gradient, here = grad_and_value(loss)(model.params)
        there = tree.add(model.params, gradient, COMMON_RADIUS / (tree.norm(gradient) + 1e-12))
        return {"sharpness_common": loss(there) - here, "weight_norm": tree.norm(model.params), "plain_loss": here}

    return (ask or mapped())(figures, group, (x, y))

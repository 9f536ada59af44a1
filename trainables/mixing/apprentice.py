"""How a mixer learns beside the network: a step of its own on the same batch, through a momentum encoder that follows the network."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.func import grad

from trainables import tree
from trainables.axes import Batch, Buffers, Hyper, Model, Net, Params, Recipe, Scalars, State, Transition, keep
from trainables.draws import Streams
from trainables.mixing import generation, mixer, teacher
from trainables.mixing.heads import for_mixed
from trainables.mixing.mixer import Design
from trainables.mixing.pasting import bend_of, depth_of, need_maps, pasted
from trainables.optimizer import sgd

OPTIMIZER = sgd(momentum=0.9)
"""What trains the mixer: it takes one step beside the network's, at the same rate and weight decay."""


LOGGED = ("generation_loss", "mask_loss", "mask_share", "mask_spread")
"""What a step of the mixer logs."""


class Lessons(NamedTuple):
    """How a mixer is trained; the same for all members of a group.

    Attributes:
        design: How it is built.
        generation: "balanced" or "mce": what it is trained for.
        decided: Whether masks are rewarded for their variance.
        mask_weight: gamma, weight of the mask's own loss.
        warmed: Whether the average's momentum is limited at first.
        rate: Learning rate of the mixer over that of the network.
    """

    design: Design
    generation: str
    decided: bool
    mask_weight: float
    warmed: bool
    rate: float


def begun(stream: Streams, design: Design, net: Net, model: Model) -> State:
    """A fresh mixer, its optimiser, and zeros where a step's figures will stand.

    Raises:
        ValueError: If the net has no maps.
    """
    need_maps(net)
    like = model.params["head.weight"]
    weights = mixer.fresh(stream, design, net.hidden[depth_of(net)][0], like)
    return {"mixer": weights, "optimizer": OPTIMIZER.init(weights), "logged": dict.fromkeys(LOGGED, like.new_zeros(()))}


def taught(objective: Callable[[Params], tuple[Tensor, Scalars]], state: State, rate: Tensor, decay: Tensor) -> State:
    """The mixer after a step down an objective that also returns what is to be logged."""
    gradient, logged = grad(objective, has_aux=True)(state["mixer"])
    weights, optimizer = OPTIMIZER.update(gradient, state["optimizer"], state["mixer"], rate, decay)
    return {"mixer": weights, "optimizer": optimizer, "logged": logged}


def adapted(lessons: Lessons, state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
    """The mixer after a step of its own on the same batch, then k moved towards the network."""
    encoder, x = constant(state["encoder"]), transition.batch.x
    maps, buffers = maps_of(encoder, net, x)

    def objective(weights: Params) -> tuple[Tensor, Scalars]:
        return mixer_loss(lessons, weights, encoder, maps, hyper, net, transition.batch, transition.recipe)

    learned = taught(objective, state, transition.lr * lessons.rate, hyper["weight_decay"])
    kept = teacher.momentum(hyper["progress"], state["count"], lessons.warmed)
    average = Model(teacher.averaged(encoder.params, transition.after.params, kept), buffers)
    return {"encoder": average, **learned, "count": state["count"] + 1}


def constant(state: State) -> State:
    """The same numbers, through which no gradient passes."""
    return tree.map(Tensor.detach, state)


def maps_of(encoder: Model, net: Net, x: Tensor) -> tuple[Tensor, Buffers]:
    """The maps that the mixer looks at, and the encoder's running statistics after a whole pass."""
    caught: list[Tensor] = []

    def catch(depth: int, hidden: Tensor) -> Tensor:
        if depth == depth_of(net):
            caught.append(hidden)
        return hidden

    _, buffers = net.apply(encoder, x, catch)
    return caught[0], buffers


def mixer_loss(
    lessons: Lessons, weights: Params, encoder: Model, maps: Tensor, hyper: Hyper, net: Net, batch: Batch, recipe: Recipe
) -> tuple[Tensor, Scalars]:
    """L_gen + gamma L_mask of the mixer's own pairs, labels unsmoothed, and both to log."""
    ratio, partner = recipe["mixer_ratio"], recipe["mixer_partner"]
    share = mixer.shares(weights, lessons.design, bend_of(hyper, ratio), maps, partner, ratio, batch.x.shape[-2:])
    logits, _ = net.apply(for_mixed(encoder), pasted(batch.x, partner, share), keep)
    pair = (logits, batch.y, batch.y[partner], ratio)
    each = generation.balanced(*pair, hyper["eta"]) if lessons.generation == "balanced" else generation.mixed_cross_entropy(*pair)
    mask = generation.mask_loss(share, ratio, lessons.decided)
    logged = {"generation_loss": each.mean(), "mask_loss": mask, "mask_share": share.mean(), "mask_spread": share.std()}
    return each.mean() + lessons.mask_weight * mask, logged


def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """The mixer's own losses, and the mean and the standard deviation of its masks."""
    return state["logged"]

"""Nets whose numbers are known, and batches to try mixings on."""

import torch

from trainables import methods, tree
from trainables.axes import FEATURES, Batch, Buffers, Method, Mixing, Model, Net, Recipe, Scalars, State
from trainables.draws import Streams, stream, streams
from trainables.engine.step import Inputs, Member, States, make_step
from trainables.nets import build
from trainables.optimizer import sgd

HYPER = {"label_smoothing": 0.0, "alpha": 1.0, "beta": 0.1, "eta": 0.5, "bend": 0.25, "lr": 0.1, "weight_decay": 0.01, "progress": 0.25}


def hyper(**changed: float) -> dict[str, torch.Tensor]:
    """Every number that a mixing may read, as tensors."""
    return {name: number(value) for name, value in {**HYPER, **changed}.items()}


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def table(rows: object) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def linear(classes: int, shape: tuple[int, ...]) -> Net:
    """A net without stages whose features are its inputs, with a head without bias: its numbers can be worked by hand."""

    def apply(model, x, between):
        moved: Buffers = {"passes": model.buffers["passes"] + 1}
        return between(FEATURES, between(0, x)) @ model.params["head.weight"].T, moved

    def init(drawn: Streams) -> Model:
        return Model({"head.weight": torch.zeros(classes, *shape)}, {"passes": torch.zeros(())})

    return Net(
        init=init,
        apply=apply,
        predict=lambda model, x: apply(model, x, lambda depth, hidden: hidden)[0],
        features=lambda model, x: x,
        encode=lambda model, x, depth: x,
        stages=0,
        classes=classes,
        width=shape[0],
        shape=shape,
        hidden=(shape,),
        spatial=False,
    )


def with_head(rows: list[list[float]]) -> Model:
    return Model({"head.weight": table(rows)}, {"passes": torch.zeros(())})


def batch_of(x: torch.Tensor, y: list[int], clean: torch.Tensor | None = None) -> Batch:
    labels = torch.tensor(y)
    return Batch(x, x if clean is None else clean, labels, torch.zeros_like(labels))


def cnn(**options: object) -> Net:
    return build("cnn", (1, 8, 8), 3, **{"width": 4, **options})


def model_of(net: Net, seed: int = 0) -> Model:
    """Fresh weights in float64."""
    return tree.map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, net.init(streams(seed)))


def pictures(size: int = 6, channels: int = 1, seed: int = 0) -> Batch:
    """Random pictures of three classes."""
    x, clean = (torch.from_numpy(stream(seed, purpose).normal(size=(size, channels, 8, 8))) for purpose in ("pictures", "clean"))
    return batch_of(x, [number % 3 for number in range(size)], clean)


def counted(net: Net) -> tuple[Net, list[int]]:
    """The net, and a list that grows by one entry a forward pass: how many examples it had."""
    passes: list[int] = []

    def apply(model, x, between):
        passes.append(x.shape[0])
        return net.apply(model, x, between)

    return net._replace(apply=apply), passes


def started(mixing: Mixing, net: Net, seed: int = 0) -> tuple[Model, State]:
    """A grown model in float64, and a state whose mixer has weights large enough to matter and whose encoder is not the model."""
    model = mixing.grow(streams(seed), net, model_of(net, seed))
    state = mixing.init(streams(seed), hyper(), net, model)
    if "mixer" not in state:
        return model, state
    encoder = mixing.grow(streams(seed + 1), net, model_of(net, seed + 1))
    drawn = stream(seed, "weights")
    weights = {key: torch.from_numpy(drawn.normal(size=tuple(leaf.shape))) for key, leaf in state["mixer"].items()}
    return model, {**state, "encoder": encoder, "mixer": weights}


def recipe_of(mixing: Mixing, net: Net, size: int = 6, **chosen: float) -> Recipe:
    drawn = mixing.draw(streams(0, 0), {"alpha": 2.0}, 1, size, net)
    return {**{key: leaf[0] for key, leaf in drawn.items()}, **{key: number(value) for key, value in chosen.items()}}


def stepped(mixing: Mixing, net: Net, model: Model, state: State, recipe: Recipe) -> Member:
    """The member after one step of plain descent."""
    return logged_step(mixing, net, model, state, recipe)[0]


def logged_step(mixing: Mixing, net: Net, model: Model, state: State, recipe: Recipe) -> tuple[Member, Scalars]:
    """The same, with what it logged."""
    optimizer = sgd()
    method = Method(mixing, *methods.make(methods.Axes())[1:])
    member = Member(model, optimizer.init(model.params), States(state, {}, {}))
    batch = pictures()
    return make_step(method, net, optimizer)(member, Inputs(batch, batch, recipe, hyper()), 0)


def gap(left: object, right: object) -> float:
    """The largest difference between two trees of tensors."""
    return max((a.double() - b.double()).abs().max().item() for (_, a), (_, b) in zip(tree.leaves(left), tree.leaves(right), strict=True))


def zero(gradient: object) -> bool:
    """Whether every entry of a tree is exactly 0."""
    return all((leaf == 0).all() for _, leaf in tree.leaves(gradient))

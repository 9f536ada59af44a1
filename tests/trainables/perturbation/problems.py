"""Small objectives in float64 whose gradients can be worked by hand, and one step on them without an engine."""

import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from trainables import tree
from trainables.axes import Batch, Gradient, Losses, Model, Net, Objective, Params, Perturbation, Recipe, State, Transition
from trainables.crossentropy import cross_entropy, evenly, one_hot
from trainables.mixing import mixup
from trainables.nets.staged import Staged, functional

PAIR = ("first.weight", "second.weight")
"""Names of a problem's two tensors, one number each."""


def real(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def numbers(**values: float) -> dict[str, Tensor]:
    return {name: real(value) for name, value in values.items()}


def pair(first: float, second: float, names: tuple[str, str] = PAIR) -> Params:
    return {names[0]: real([first]), names[1]: real([second])}


def flat(params: Mapping[str, Tensor]) -> list[float]:
    return torch.cat([leaf.flatten() for leaf in params.values()]).tolist()


def objective(
    values: Callable[[Params], Tensor],
    *,
    risk: Callable[[Losses], Tensor] = Losses.mean,
    unmixed: Callable[[Params], Tensor] | None = None,
    group: Tensor | None = None,
) -> Objective:
    """Equally weighted losses (n,) of the weights. The buffers that a pass leaves are a copy of the weights that it saw."""

    def losses(params: Params) -> tuple[Losses, dict[str, Tensor]]:
        return evenly(values(params)), {name: leaf.detach().clone() for name, leaf in params.items()}

    plain = unmixed or values
    return Objective(losses, risk, lambda params: evenly(plain(params)), torch.zeros(1, dtype=torch.int64) if group is None else group)


def bowl(factor: float = 1.0) -> Objective:
    """factor (w1^2 + 10 w2^2) / 2."""

    def value(params: Params) -> Tensor:
        first, second = params.values()
        return factor * (first**2 + 10 * second**2) / 2

    return objective(value)


LINEAR = {"head.weight": [[0.5, -0.2], [-0.1, 0.3]]}
X = [[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0], [2.0, 1.0]]
Y = [0, 1, 1, 0]
PARTNER = [1, 0, 3, 2]


def linear() -> Params:
    """The weights of a softmax classifier of two inputs and two classes without bias."""
    return {name: real(value) for name, value in LINEAR.items()}


@functools.cache
def linear_net() -> Net:
    return functional(lambda: Staged([nn.Identity()], nn.Identity(), nn.Linear(2, 2, bias=False)), (2,))


def linear_batch() -> Batch:
    x = real(X)
    return Batch(x, x, torch.tensor(Y), torch.tensor([0, 2, 0, 2]))


def mixed_linear(ratio: float = 0.3) -> Objective:
    """The mixed cross-entropy of four examples, as mixup computes it."""
    net, batch, hyper = linear_net(), linear_batch(), numbers(label_smoothing=0.0)
    recipe = {"ratio": real(ratio), "partner": torch.tensor(PARTNER)}

    def losses(params: Params) -> tuple[Losses, dict[str, Tensor]]:
        return mixup.losses({}, hyper, recipe, net, Model(params, {}), batch)

    def unmixed(params: Params) -> Losses:
        return evenly(cross_entropy(batch.x @ params["head.weight"].T, one_hot(batch.y, 2, torch.float64)))

    return Objective(losses, Losses.mean, unmixed, batch.group)


def first_state(perturbation: Perturbation, hyper: Mapping[str, Tensor], params: Params, net: Net | None = None) -> State:
    def no_stream(purpose: str) -> object:
        raise AssertionError(purpose)

    return perturbation.init(no_stream, dict(hyper), net or linear_net(), Model(params, {}))


def gradient(
    perturbation: Perturbation,
    hyper: Mapping[str, Tensor],
    train: Objective,
    params: Params,
    *,
    state: State | None = None,
    recipe: Recipe | None = None,
    turn: int = 0,
    net: Net | None = None,
) -> Gradient:
    """What the perturbation returns in step `turn`."""
    held = first_state(perturbation, hyper, params, net) if state is None else state
    call = perturbation.gradients[turn % len(perturbation.gradients)]
    return call(held, dict(hyper), recipe or {}, train, params)


def step(
    perturbation: Perturbation,
    hyper: Mapping[str, Tensor],
    train: Objective,
    params: Params,
    *,
    state: State | None = None,
    probe: Objective | None = None,
    plain: Objective | None = None,
    turn: int = 0,
) -> tuple[Params, State, Transition]:
    """One step of plain gradient descent: (new weights, new state, all that happened)."""
    held = first_state(perturbation, hyper, params) if state is None else state
    found = gradient(perturbation, hyper, train, params, state=held, turn=turn)
    after = tree.add(params, found.value, -hyper["lr"])
    seen = plain or train
    transition = Transition(Model(params, {}), Model(after, {}), hyper["lr"], found, train, seen, probe or seen, linear_batch(), {})
    adapt = perturbation.adapts[turn % len(perturbation.adapts)]
    return after, adapt(held, dict(hyper), linear_net(), transition), transition

"""The vocabulary: what a training method is, for one member and without a member axis.

A method chooses once on each of three axes. Mixing says what the examples are (`losses`), perturbation where in weight space
the gradient is taken (`gradient`), criterion how per-example losses become one number (`risk`). Each axis has the same shape:

    init    the axis' own state at the start,
    a verb  a deterministic function of weights, state, hyperparameters and a recipe drawn beforehand,
    adapt   the state after a weight step, given all that happened in it (a `Transition`),
    watch   scalars worth logging about that step.

Everything here is a value: NamedTuples of pure functions. `engine` stacks members and maps these functions over them with
`torch.func.vmap`, so code written here must not branch on tensor values, index with boolean masks or call `.item()`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from trainables.draws import Streams
from trainables.knob import Knob
from trainables.tree import Tree

Params = dict[str, Tensor]
Buffers = dict[str, Tensor]
State = Tree
Recipe = dict[str, Tensor]
Hyper = Mapping[str, Tensor]
Scalars = dict[str, Tensor]
Between = Callable[[int, Tensor], Tensor]

FEATURES = -1
"""The depth of the feature vector in a net, beside 0 for its input and k for the output of stage k."""


class Model(NamedTuple):
    """Weights and running statistics of one network."""

    params: Params
    buffers: Buffers


class Batch(NamedTuple):
    """One member's batch.

    Attributes:
        x: Inputs as trained on, augmented where the study says so, (B, *shape).
        clean: The same inputs without augmentation; the very same tensor where no method of the group needs it.
        y: Class indices, (B,).
        group: Group or environment of each example, (B,); zeros where the data has none.
        mates: One more training example of each class, without augmentation, (classes, *shape); empty where no method needs "mates".
        view: The same examples, augmented once more by draws of their own, (B, *shape); empty where no method needs "views".
    """

    x: Tensor
    clean: Tensor
    y: Tensor
    group: Tensor
    mates: Tensor | tuple[()] = ()
    view: Tensor | tuple[()] = ()


class Losses(NamedTuple):
    """Per-example losses and their weights, both (n,); the weights sum to 1. n may exceed the batch (SynerMix adds one a class)."""

    value: Tensor
    weight: Tensor

    def mean(self) -> Tensor:
        """The weighted mean, a scalar."""
        return (self.value * self.weight).sum()


class Net(NamedTuple):
    """A network as functions of its weights.

    Attributes:
        init: Fresh weights and running statistics from random streams.
        apply: (model, x, between) -> (logits (B, classes), new buffers), in training mode. `between(depth, h)` may replace the
            hidden value at each depth: 0 the input, 1..stages after that stage, FEATURES the feature vector.
        predict: (model, x) -> logits in evaluation mode.
        features: (model, x) -> feature vectors (B, width) in evaluation mode.
        encode: (model, x, depth) -> the hidden value at a depth, in training mode; what lies behind it is not computed and the running
            statistics stay as they are.
        stages: How many stages there are.
        classes: How many classes.
        width: Length of the feature vector.
        shape: Shape of one input.
        hidden: Shape of one example's hidden value at each depth, 0 to `stages`.
        spatial: Whether stages put out maps (channels, height, width).
        groups: How many groups the data has, 1 where it has none; filled in where the net meets the data.
    """

    init: Callable[[Streams], Model]
    apply: Callable[[Model, Tensor, Between], tuple[Tensor, Buffers]]
    predict: Callable[[Model, Tensor], Tensor]
    features: Callable[[Model, Tensor], Tensor]
    encode: Callable[[Model, Tensor, int], Tensor]
    stages: int
    classes: int
    width: int
    shape: tuple[int, ...]
    hidden: tuple[tuple[int, ...], ...]
    spatial: bool
    groups: int = 1


class Objective(NamedTuple):
    """A training objective as a function of the weights, everything else held fixed.

    Attributes:
        losses: params -> (Losses, buffers after the pass).
        risk: Losses -> the scalar that is differentiated.
        unmixed: params -> plain cross-entropy Losses of the same batch, aligned example by example with `losses`.
        group: Group of each example, (B,).
    """

    losses: Callable[[Params], tuple[Losses, Buffers]]
    risk: Callable[[Losses], Tensor]
    unmixed: Callable[[Params], Losses]
    group: Tensor


class Gradient(NamedTuple):
    """What a perturbation returns.

    Attributes:
        value: The gradient to descend along, a tree like the weights.
        losses: Losses of the first, unperturbed pass.
        buffers: Running statistics after the first pass only, so that they move once a step.
        trace: Whatever `adapt` and `watch` need from this step.
    """

    value: Params
    losses: Losses
    buffers: Buffers
    trace: dict[str, Tree]


class Transition(NamedTuple):
    """One finished weight step, as `adapt` and `watch` see it.

    Attributes:
        before: Model at the start of the step.
        after: Model after the optimiser's update.
        lr: Learning rate used, after the schedule.
        gradient: What the perturbation returned.
        train: The objective that was descended.
        plain: Plain cross-entropy of the training batch: no mixing, no smoothing, running statistics left alone; without
            augmentation for methods that need "clean".
        probe: The same on the batch held out of the training split, for methods that need "probe"; otherwise `plain`.
        batch: The training batch.
        recipe: What had been drawn for it.
    """

    before: Model
    after: Model
    lr: Tensor
    gradient: Gradient
    train: Objective
    plain: Objective
    probe: Objective
    batch: Batch
    recipe: Recipe


class Mixture(NamedTuple):
    """Pictures that a mixing made, for a reader's eyes.

    Attributes:
        first, second: The two sources of each, (B, *shape).
        share: How much of each pixel comes from the second, (B, height, width), in [0, 1].
        mixed: What the network was given, (B, *shape).
        ratio: Weight of the first source's label, a scalar in [0, 1].
    """

    first: Tensor
    second: Tensor
    share: Tensor
    mixed: Tensor
    ratio: Tensor


def keep(depth: int, hidden: Tensor) -> Tensor:
    """The `between` that changes nothing."""
    return hidden


def no_state(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
    """The `init` of an axis without state."""
    return {}


def unchanged(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
    """The `adapt` of an axis whose state stays as it is."""
    return state


def nothing(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """The `watch` of an axis with nothing to log."""
    return {}


def same_model(state: State, model: Model) -> Model:
    """The `deploy` of a mixing whose trained model is the one to use."""
    return model


def draws_nothing(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, params: Params) -> Recipe:
    """The `draw` of a perturbation without randomness."""
    return {}


def no_growth(stream: Streams, net: Net, model: Model) -> Model:
    """The `grow` of a mixing that trains nothing beside the network."""
    return model


class Mixing(NamedTuple):
    """What the examples are.

    Attributes:
        draw: (streams, knob values, steps, batch size, net) -> Recipe with a leading axis of steps; runs on the host, an epoch at once.
        losses: (state, hyper, one step's recipe, net, model, batch) -> (Losses, buffers).
        init: State at the start. adapt: state after a weight step. watch: scalars to log.
        grow: Parameters that the mixing adds to the trained model (a second head, say).
        deploy: (state, model) -> the model that is evaluated and exported.
        keepsake: state -> the part of a finished member's state that a later run may load (a learned mixer); None where there is none.
        show: (state, hyper, one step's recipe, net, batch) -> the pictures that this step would train on; None where inputs are not mixed.
        knobs: Its searchable numbers.
        needs: What it asks of its surroundings: "clean" (un-augmented inputs), "spatial" (a net with maps), "image" (inputs of shape
            (channels, height, width)), "mates" (`Batch.mates`), "views" (`Batch.view`), "mixer" (its option `mixer`, which has no default).
    """

    draw: Callable[[Streams, Mapping[str, float], int, int, Net], Recipe]
    losses: Callable[[State, Hyper, Recipe, Net, Model, Batch], tuple[Losses, Buffers]]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    adapt: Callable[[State, Hyper, Net, Transition], State] = unchanged
    watch: Callable[[State, Hyper, Transition], Scalars] = nothing
    grow: Callable[[Streams, Net, Model], Model] = no_growth
    deploy: Callable[[State, Model], Model] = same_model
    keepsake: Callable[[State], State] | None = None
    show: Callable[[State, Hyper, Recipe, Net, Batch], Mixture] | None = None
    knobs: tuple[Knob, ...] = ()
    needs: frozenset[str] = frozenset()


class Perturbation(NamedTuple):
    """Where in weight space the gradient is taken.

    Attributes:
        gradients: One function a turn, used in rotation: step t calls gradients[t % len(gradients)](state, hyper, recipe, objective,
            params), with one step's recipe. All but a few methods have one.
        adapts: Likewise for the state after the weight step: adapts[t % len(adapts)].
        draw: (streams, knob values, steps, batch size, weights) -> its part of the recipe, as in `Mixing`; the weights tell names and
            shapes only. Keys must differ from those of the mixings.
        init, watch, knobs: As in `Mixing`.
        needs: "probe" (a batch held out of the training split), "group" (data with groups), "mixing" (a mixing that mixes).
    """

    gradients: tuple[Callable[[State, Hyper, Recipe, Objective, Params], Gradient], ...]
    draw: Callable[[Streams, Mapping[str, float], int, int, Params], Recipe] = draws_nothing
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    adapts: tuple[Callable[[State, Hyper, Net, Transition], State], ...] = (unchanged,)
    watch: Callable[[State, Hyper, Transition], Scalars] = nothing
    knobs: tuple[Knob, ...] = ()
    needs: frozenset[str] = frozenset()


class Criterion(NamedTuple):
    """How per-example losses become one number: risk(state, hyper, Losses) -> scalar. The rest as in `Mixing`."""

    risk: Callable[[State, Hyper, Losses], Tensor]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    adapt: Callable[[State, Hyper, Net, Transition], State] = unchanged
    watch: Callable[[State, Hyper, Transition], Scalars] = nothing
    knobs: tuple[Knob, ...] = ()
    needs: frozenset[str] = frozenset()


class Method(NamedTuple):
    """A choice on each of the three axes."""

    mixing: Mixing
    perturbation: Perturbation
    criterion: Criterion

    def draw(self, stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net, params: Params) -> Recipe:
        """Everything random in `steps` steps, with a leading axis of steps: what the mixing draws and what the perturbation draws."""
        return self.mixing.draw(stream, knobs, steps, size, net) | self.perturbation.draw(stream, knobs, steps, size, params)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """All searchable numbers, mixing first."""
        return self.mixing.knobs + self.perturbation.knobs + self.criterion.knobs

    @property
    def needs(self) -> frozenset[str]:
        """All that the three axes ask of their surroundings."""
        return self.mixing.needs | self.perturbation.needs | self.criterion.needs

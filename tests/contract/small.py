"""A small real task that every preset can be trained on within milliseconds: some digits, grouped, on a net with maps and batch norm."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping, Sequence

import torch

from trainables import methods, nets, tree
from trainables.axes import Method, Net
from trainables.data.examples import Data, Examples
from trainables.data.load import load
from trainables.engine.loop import Row, Run, Setting
from trainables.mixing.frozen import write_mixer
from trainables.optimizer import constant, sgd

BATCH = 10
STEPS = 3
TRAINING = {"lr": 0.05, "weight_decay": 1e-3, "label_smoothing": 0.1}


@functools.cache
def data() -> Data:
    """30 training examples in two groups, 20 of them `rest`, 10 the probe."""
    whole = load("digits")
    few = _grouped(whole.train[torch.arange(BATCH * STEPS)])
    rest, probe = few[torch.arange(20)], few[torch.arange(20, 30)]
    score = _grouped(whole.selection[torch.arange(25)])
    return Data(few, rest, probe, score, score, whole.classes, ("even", "odd"), whole.shape)


def _grouped(examples: Examples) -> Examples:
    return Examples(examples.x, examples.y, examples.y % 2)


@functools.cache
def net(name: str = "cnn") -> Net:
    """The net of the contract tests."""
    options = {"width": 4, "stages": 2} if name == "cnn" else {"width": 6}
    return nets.build(name, data().shape, 10, **options)


def numbers(method: Method, spread: float = 0.0) -> dict[str, float]:
    """Every knob at its default, moved towards the top of its range by `spread` (0 to 1)."""
    chosen = {}
    for knob in method.knobs:
        top = knob.choices[-1] if knob.choices else knob.search[1]
        chosen[knob.name] = (top if spread > 0.5 else knob.default) if knob.choices else knob.default + spread * (top - knob.default)
    return chosen | TRAINING


def rows(method: Method, configurations: int = 4, seeds: int = 3) -> list[Row]:
    """A group: configurations with different numbers, times seeds."""
    return [Row(c, seed, numbers(method, 0.2 * c)) for c in range(configurations) for seed in range(seeds)]


def setting(method: Method, on: str = "cnn", **changes: object) -> Setting:
    """Two epochs in float64."""
    plain = {"epochs": 2, "batch": BATCH, "dtype": torch.float64}
    return Setting(method, net(on), sgd(), constant, **{**plain, **changes})


def trained(shared: Setting, members: Sequence[Row], epochs: int = 2) -> Run:
    """The members after `epochs`."""
    run = Run.begin(shared, data(), members)
    for _ in range(epochs):
        run.train_epoch()
    return run


def preset(name: str) -> Method:
    """A preset's method, with what it cannot do without."""
    method = methods.make(methods.PRESETS[name])
    return methods.make(methods.PRESETS[name], mixer=mixer_file()) if "mixer" in method.needs else method


@functools.cache
def mixer_file() -> str:
    """The mixer of a SAMix member, as SAMix-P takes it."""
    run = trained(setting(preset("samix")), rows(preset("samix"), 1, 1), epochs=1)
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    write_mixer(tree.take(run.group.states.mixing, 0), f"{folder}/mixer.npz")
    return f"{folder}/mixer.npz"


def gap(left: object, right: object) -> float:
    """The largest difference between two trees of tensors."""
    pairs = zip(tree.leaves(left), tree.leaves(right), strict=True)
    return max(((a.double() - b.double()).abs().max().item() if a.numel() else 0.0) for (_, a), (_, b) in pairs)


Numbers = Mapping[str, float]

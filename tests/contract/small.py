"""The small task of the contract, and presets with what they cannot do without."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Sequence

from trainables import methods, nets, tree
from trainables.axes import Method, Net
from trainables.contract.bench import BATCH, STEPS, TRAINING, Bench, gap, numbers, rows, usual
from trainables.contract.bench import digits as data
from trainables.engine.loop import Row, Run, Setting
from trainables.mixing.frozen import write_mixer

__all__ = ["BATCH", "STEPS", "TRAINING", "bench", "data", "gap", "mixer_file", "net", "numbers", "preset", "rows", "setting", "trained"]


@functools.cache
def net(name: str = "cnn") -> Net:
    """The net of the contract, or another small one."""
    return usual().net if name == "cnn" else nets.build(name, data().shape, 10, width=6)


@functools.cache
def bench(on: str = "cnn") -> Bench:
    """The contract's bench, or another net on it."""
    return Bench(net(on), data())


def setting(method: Method, on: str = "cnn", **changes: object) -> Setting:
    """Two epochs in float64."""
    return bench(on).setting(method, **changes)


def trained(shared: Setting, members: Sequence[Row], epochs: int = 2) -> Run:
    """The members after `epochs`."""
    return bench().trained(shared, members, epochs)


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

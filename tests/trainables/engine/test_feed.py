import os
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.contract.small import preset, rows
from tests.trainables.data.files import pictures
from trainables import nets
from trainables.data.augment import Augmentation, cut, draw, moved
from trainables.data.examples import Data
from trainables.data.load import load
from trainables.draws import streams
from trainables.engine import feed
from trainables.engine.feed import Plan, Seeds, batches
from trainables.engine.loop import Run, Setting
from trainables.optimizer import constant, sgd

AUGMENT = {"shift": 1, "crop": 1, "flip": True, "cutout": 3}
ROWS = Seeds((4, 2, 4, 7), epoch=3)


def fed(data: Data, *, clean: bool = False) -> list:
    seen = data.train
    plan = Plan(ROWS.places, ROWS.orders("order", len(seen), 3, 8), ROWS.augmented(data, 3, 8))
    return list(batches(data, seen, plan, "cpu", torch.float64, clean=clean))


def test_each_row_sees_what_its_seed_orders():
    data = load("digits")
    orders = {seed: feed.order(seed, "order", 3, len(data.train), 3, 8) for seed in (2, 4, 7)}
    for step, batch in enumerate(fed(data)):
        for row, seed in enumerate(ROWS.rows):
            expected = data.train[orders[seed][step]]
            assert batch.x[row].equal(expected.x.double())
            assert batch.y[row].equal(expected.y)


def test_without_augmentation_clean_is_the_very_same_tensor():
    assert all(batch.clean is batch.x for batch in fed(load("digits"), clean=True))
    assert all(batch.clean is batch.x for batch in fed(load("digits", augment=AUGMENT), clean=False))


def test_augmented_batches_are_what_the_seed_draws_and_clean_ones_the_pictures_themselves():
    plain, data = load("digits"), load("digits", augment=AUGMENT)
    for step, (batch, before) in enumerate(zip(fed(data, clean=True), fed(plain), strict=True)):
        assert batch.clean.equal(before.x)
        for row, seed in enumerate(ROWS.rows):
            drawn = {name: values[step] for name, values in draw(Augmentation(**AUGMENT), streams(seed, 3), 3, 8, (1, 8, 8)).items()}
            assert batch.x[row].equal(cut(moved(before.x[row], drawn), drawn, 3))
        assert batch.x[0].equal(batch.x[2])
        assert not batch.x[0].equal(batch.x[1])


def test_what_is_gathered_ahead_is_what_is_gathered_at_once(monkeypatch):
    data = load("digits", augment=AUGMENT)
    at_once = fed(data, clean=True)
    monkeypatch.setattr(feed, "_made", feed._copied)
    for one, other in zip(at_once, fed(data, clean=True), strict=True):
        assert all(a.equal(b) for a, b in ((one.x, other.x), (one.clean, other.clean), (one.y, other.y), (one.group, other.group)))


@pytest.mark.parametrize("steps", [1, 2])
def test_batches_are_the_same_however_many_steps_are_gathered_at_once(monkeypatch, steps):
    data = load("digits", augment=AUGMENT)
    at_once = fed(data, clean=True)
    monkeypatch.setattr(feed, "NUMBERS", steps * len(ROWS.distinct) * 8 * 64)
    for one, other in zip(at_once, fed(data, clean=True), strict=True):
        assert all(a.equal(b) for a, b in ((one.x, other.x), (one.clean, other.clean), (one.y, other.y), (one.group, other.group)))


def test_gathering_is_one_step_ahead_and_no_further():
    made: list[int] = []
    coming = feed._copied(lambda step: (made.append(step), (torch.tensor(step),))[1], 5, "cpu")
    for step in range(5):
        assert int(next(coming)[0]) == step
        assert max(made) <= step + 1
    assert made == [0, 1, 2, 3, 4]
    assert next(coming, None) is None


def test_an_error_while_gathering_ahead_reaches_the_step_that_needs_it():
    def make(step):
        if step == 2:
            raise OSError("the disk is gone")
        return (torch.tensor(step),)

    coming = feed._copied(make, 4, "cpu")
    assert [int(next(coming)[0]), int(next(coming)[0])] == [0, 1]
    with pytest.raises(OSError, match="the disk is gone"):
        next(coming)


def test_data_stay_where_they_are_without_a_gpu():
    data = load("digits")
    assert feed.placed(data, "cpu") is data


LARGER_THAN_MEMORY = """
import sys, threading, time
from pathlib import Path
import numpy as np
import torch
from trainables.data import cache
from trainables.data.load import load
from trainables.data.raw import Blocks, Raw
from trainables.engine.loop import Row, Run, Setting
from trainables import methods, nets
from trainables.optimizer import OPTIMIZERS, SCHEDULES
from trainables.training import TRAINING_KNOBS

torch.set_num_threads(1)
N, SHAPE, ROWS = int(sys.argv[1]), (3, 32, 32), 500

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024

def blocks():
    for start in range(0, N, ROWS):
        yield np.full((ROWS, *SHAPE), start // ROWS % 256, np.uint8)

y = np.arange(N) % 2
before = anonymous()
raw = cache.stored("large", lambda: Raw(Blocks((N, *SHAPE), np.dtype(np.uint8), blocks), y, ("a", "b")))
import trainables.data.sources as sources
sources.SOURCES["large"] = lambda: raw
data = load("large", test_share=0.01, selection_share=900 / N, fraction=0.5)
method = methods.make(methods.Axes())
net = nets.build("cnn", SHAPE, 2, width=2, stages=2)
setting = Setting(method, net, OPTIMIZERS["sgd"](), SCHEDULES["constant"], epochs=1, batch=500)
numbers = {knob.name: knob.default for knob in (*method.knobs, *TRAINING_KNOBS)}
run = Run.begin(setting, data, [Row(0, 0, numbers)])
peak = anonymous()
going = True
def watch():
    global peak
    while going:
        peak = max(peak, anonymous())
        time.sleep(0.005)
thread = threading.Thread(target=watch); thread.start()
run.train_epoch()
run.evaluate(data.selection)
going = False; thread.join()
print(N * 3 * 32 * 32, peak - before)
"""


def peak(examples, folder):
    """Bytes of memory, beyond what the imports take, of an epoch on so many pictures mapped from the cache."""
    environment = {**os.environ, "ALTIPLANO_CACHE": str(folder)}
    command = [sys.executable, "-c", LARGER_THAN_MEMORY, str(examples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout.split()[1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_data_set(tmp_path):
    few, many = peak(2_000, tmp_path / "few"), peak(60_000, tmp_path / "many")  # 6 and 184 MB of pictures
    assert many - few < 90e6


def test_from_a_mapped_file_and_from_memory_come_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("ALTIPLANO_CACHE", str(tmp_path / "cache"))
    arrays = {"x": pictures(60, 1, 8)[:, 0], "y": np.arange(60) % 3}
    np.savez(tmp_path / "set.npz", **arrays)
    mine = ModuleType("mine")
    monkeypatch.setattr(mine, "data", {"x": arrays["x"][:, None], "y": arrays["y"]}, raising=False)
    monkeypatch.setitem(sys.modules, "mine", mine)
    method = preset("mixup")
    ends = []
    for name, options in (("npz", {"path": str(tmp_path / "set.npz")}), ("mine:data", {})):
        data = load(name, augment={"crop": 1, "flip": True}, label_noise=0.1, **options)
        net = nets.build("cnn", data.shape, 3, width=4, stages=2)
        run = Run.begin(Setting(method, net, sgd(), constant, epochs=2, batch=8), data, rows(method, 2, 2))
        run.train_epoch()
        ends.append(run.group.model.params)
    assert all(ends[0][name].equal(ends[1][name]) for name in ends[0])

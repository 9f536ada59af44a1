import subprocess
import sys

import numpy as np
import pytest
import torch

from trainables.data.examples import Examples
from trainables.data.load import load

DIGEST = """
import hashlib, torch
from trainables.data.load import load
data = load("digits", label_noise=0.2, fraction=0.5, split_seed=3)
digest = hashlib.sha256()
for part in (data.train, data.rest, data.probe, data.selection, data.test):
    for tensor in (part.x, part.y, part.group):
        digest.update(tensor.numpy().tobytes())
print(digest.hexdigest())
"""


def keys(examples: Examples) -> set[bytes]:
    """Each picture as bytes: digits has no two equal pictures."""
    return {row.tobytes() for row in examples.x.numpy()}


def test_digits_are_split_into_disjoint_parts_that_are_together_everything():
    data = load("digits")
    parts = [keys(part) for part in (data.train, data.selection, data.test)]
    assert [len(part) for part in parts] == [len(data.train), len(data.selection), len(data.test)]
    assert len(set.union(*parts)) == 1797
    assert sum(map(len, parts)) == 1797


def test_rest_and_probe_make_up_the_training_split():
    data = load("digits", label_noise=0.1)
    assert keys(data.rest) | keys(data.probe) == keys(data.train)
    assert keys(data.rest).isdisjoint(keys(data.probe))
    label = dict(zip((row.tobytes() for row in data.train.x.numpy()), data.train.y.tolist(), strict=True))
    assert [label[row.tobytes()] for row in data.probe.x.numpy()] == data.probe.y.tolist()


@pytest.mark.parametrize("split", ["train", "rest", "probe", "selection", "test"])
def test_every_split_holds_every_class_near_its_share(split):
    examples = getattr(load("digits"), split)
    shares = np.bincount(examples.y.numpy(), minlength=10) / len(examples)
    assert np.abs(shares - 0.1).max() < 0.02


def test_noise_touches_the_training_labels_alone():
    clean, noisy = load("digits"), load("digits", label_noise=0.3)
    assert int((clean.train.y != noisy.train.y).sum()) == round(0.3 * len(clean.train))
    for split in ("selection", "test"):
        assert torch.equal(getattr(clean, split).y, getattr(noisy, split).y)
        assert torch.equal(getattr(clean, split).x, getattr(noisy, split).x)


def test_a_training_fraction_leaves_selection_and_test_as_they_are():
    whole, part = load("digits"), load("digits", fraction=0.2)
    assert len(part.train) == pytest.approx(0.2 * len(whole.train), abs=5)
    assert keys(part.train) < keys(whole.train)
    assert torch.equal(whole.selection.x, part.selection.x)
    assert torch.equal(whole.test.x, part.test.x)


def test_another_split_seed_gives_other_splits():
    assert keys(load("digits").test) != keys(load("digits", split_seed=1).test)


def test_another_process_gives_the_same_splits_and_the_same_noise():
    digests = [subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64

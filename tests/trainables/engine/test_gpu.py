"""What only a CUDA device can show. Skipped, with that reason, where there is none."""

import dataclasses

import pytest
import torch

from tests.contract.small import preset, rows, setting, trained
from trainables import tree
from trainables.engine import feed
from trainables.engine.precision import autocast

pytestmark = pytest.mark.gpu
SPREAD = {"rtol": 1e-8, "atol": 1e-10}


def assert_close(one, other, **spread):
    for (path, left), (_, right) in zip(tree.leaves(one), tree.leaves(other), strict=True):
        torch.testing.assert_close(left.cpu(), right.cpu(), msg=path, **spread)


@pytest.mark.parametrize("name", ["erm", "g-mix", "synermix"])
def test_members_on_the_gpu_end_with_the_weights_of_those_on_the_cpu(name):
    method = preset(name)
    here, there = (trained(setting(method, device=device, recorded=False), rows(method, 2, 2)) for device in ("cpu", "cuda"))
    assert_close(here.group, there.group, **SPREAD)


def test_alone_is_in_a_group():
    method = preset("g-mix")
    group = trained(setting(method, device="cuda"), rows(method, 3, 2))
    for number, row in enumerate(rows(method, 3, 2)):
        alone = trained(setting(method, device="cuda"), [row])
        assert_close(tree.take(group.group, number), tree.take(alone.group, 0), **SPREAD)


def test_data_that_fit_are_moved_as_a_whole_and_data_that_do_not_are_copied_ahead(monkeypatch):
    method = preset("mixup")
    resident = trained(setting(method, device="cuda"), rows(method, 2, 2))
    assert resident.data.train.store.is_cuda
    monkeypatch.setattr(feed, "RESIDENT_SHARE", 0.0)
    copied = trained(setting(method, device="cuda"), rows(method, 2, 2))
    assert not copied.data.train.store.is_cuda
    assert_close(resident.group, copied.group, **SPREAD)


def test_half_precision_trains_to_nearly_the_same_losses():
    method = preset("g-mix")
    plain = dataclasses.replace(setting(method, device="cuda"), dtype=torch.float32)
    half = dataclasses.replace(plain, net=autocast(plain.net, "cuda"))
    runs = [trained(one, rows(method, 2, 2)) for one in (plain, half)]
    for full, other in zip(*(run.curves for run in runs), strict=True):
        assert full["risk"] == pytest.approx(other["risk"], rel=0.1)
    assert {leaf.dtype for leaf in runs[1].group.model.params.values()} == {torch.float32}

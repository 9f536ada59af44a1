"""What training without labels must keep: alone as in a group, replayed as mapped, resumed as never interrupted."""

import dataclasses

import pytest
import torch

from tests.contract.small import data, gap, rows, setting
from trainables import methods, scenarios, tree
from trainables.axes import Method
from trainables.data.augment import Augmentation
from trainables.engine import checkpoint
from trainables.engine.loop import Run
from trainables.methods import Axes

VIEWS = dataclasses.replace(data(), augmentation=Augmentation(shift=1, cutout=3))
MIXINGS = ("none", "mixup", "cutmix", "manifold-mixup", "samix")
PERTURBED = (
    Axes("mixup", "sam", "cvar"),
    Axes("samix", "asam", "tilted"),
    Axes("cutmix", "dg-mix"),
    Axes("none", "looksam"),
    Axes("none", "esam"),
)

every_method = pytest.mark.parametrize(
    ("host", "axes"),
    [*((host, Axes(mixing)) for host in ("simclr", "moco") for mixing in MIXINGS), *(("moco", axes) for axes in PERTURBED)],
    ids=lambda part: part if isinstance(part, str) else "-x-".join(part),
)


def method_of(host: str, axes: Axes) -> Method:
    return methods.make(axes, scenarios.make("contrastive", host=host, queue=16, projection=6).mixings)


def trained(shared, members, epochs):
    run = Run.begin(shared, VIEWS, members)
    for _ in range(epochs):
        run.train_epoch()
    return run


@every_method
def test_a_member_alone_equals_the_member_in_a_group_and_buffers_move_once_a_step(host, axes):
    method = method_of(host, axes)
    members = rows(method, configurations=2, seeds=2)
    group = trained(setting(method, chunk=3), members, 1)
    alone = trained(setting(method), members[3:], 1)
    assert group.healthy() == [True] * 4
    assert gap(alone.group, tree.take(group.group, torch.tensor([3]))) < 1e-10
    counts = [leaf for name, leaf in group.group.model.buffers.items() if name.endswith("num_batches_tracked")]
    assert {int(count) for leaf in counts for count in leaf} == {3}


@pytest.mark.parametrize(
    ("host", "axes"), [("simclr", Axes("mixup")), ("moco", Axes("samix")), ("moco", Axes("cutmix", "sam", "cvar"))], ids=str
)
def test_a_run_replayed_and_taken_up_from_its_checkpoint_equals_one_mapped_and_never_interrupted(host, axes):
    method = method_of(host, axes)
    members = rows(method, configurations=2, seeds=1)
    whole = trained(setting(method, recorded=False), members, 2)
    replayed = setting(method, recorded=True)
    resumed, _ = checkpoint.unpack(checkpoint.pack(trained(replayed, members, 1)), replayed, VIEWS, members)
    resumed.train_epoch()
    assert gap(resumed.group, whole.group) < 1e-10


def test_both_views_are_augmented_by_draws_of_their_own_and_the_first_as_with_labels():
    method = method_of("simclr", Axes())
    run = Run.begin(setting(method), VIEWS, rows(method, 1, 2))
    batch = next(run._feeds(VIEWS.train, 3, 10)[0])
    assert batch.view.shape == batch.x.shape
    assert gap(batch.view, batch.x) > 0.1
    labelled = methods.make(Axes())
    supervised = Run.begin(setting(labelled), VIEWS, rows(labelled, 1, 2))
    plain = next(supervised._feeds(VIEWS.train, 3, 10)[0])
    assert torch.equal(plain.x, batch.x)
    assert plain.view == ()

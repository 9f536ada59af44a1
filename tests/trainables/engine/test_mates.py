import numpy as np
import torch

from tests.contract.small import STEPS, data, rows, setting, trained
from trainables import methods
from trainables.engine.feed import one_of_each_class


def test_a_mate_is_a_random_example_of_its_class():
    y = np.array([2, 0, 2, 2, 0])
    drawn = one_of_each_class(0, 0, y, 4, 300).numpy()
    assert drawn.shape == (300, 4)
    assert (y[drawn[:, 0]] == 0).all()
    assert (y[drawn[:, 2]] == 2).all()
    np.testing.assert_allclose(np.bincount(drawn[:, 2], minlength=5) / 300, [1 / 3, 0, 1 / 3, 1 / 3, 0], atol=0.1)
    assert (drawn[:, [1, 3]] == 0).all()  # classes that nobody has


def test_mates_follow_from_seed_and_epoch():
    y = np.arange(30) % 3
    first, again, later, other = (one_of_each_class(*at, y, 3, 20) for at in ((0, 0), (0, 0), (0, 1), (1, 0)))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, other)


def seen(mixing):
    """The mates that every step of two epochs was given."""
    found = []

    def losses(state, hyper, recipe, net, model, batch):
        found.append(batch.mates)
        return mixing.losses(state, hyper, recipe, net, model, batch)

    method = methods.make(methods.Axes())._replace(mixing=mixing._replace(losses=losses))
    trained(setting(method), rows(method, configurations=1, seeds=1))
    return found


def test_steps_get_mates_only_where_the_method_needs_them():
    plain = methods.make(methods.Axes()).mixing
    assert all(mates == () for mates in seen(plain))
    given = seen(methods.make(methods.Axes("synermix-intra"), pair_singletons=True).mixing)
    assert all(mates.shape == (10, *data().shape) for mates in given)


def test_progress_is_the_share_of_all_steps_that_lies_behind():
    def watch(state, hyper, transition):
        return {"progress": hyper["progress"]}

    method = methods.make(methods.Axes())
    method = method._replace(mixing=method.mixing._replace(watch=watch))
    reached = trained(setting(method), rows(method, configurations=1, seeds=1)).curves[0]["progress"]
    steps = 2 * STEPS
    np.testing.assert_allclose(reached, [np.arange(STEPS).mean() / steps, np.arange(STEPS, steps).mean() / steps])

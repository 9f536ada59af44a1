import numpy as np
import pytest

from tests.trainables.mixing.small import HYPER, cnn, pictures, started
from trainables.axes import Mixing
from trainables.draws import streams
from trainables.mixing.cutmix import cutmix
from trainables.mixing.manifold import manifold_mixup
from trainables.mixing.mixup import mixup
from trainables.mixing.pictures import page
from trainables.mixing.plain import plain
from trainables.mixing.samix import automix, samix

SHOWING = {"mixup": mixup, "cutmix": cutmix, "samix": samix, "automix": automix}


def shown(mixing: Mixing, **options: object):
    net = cnn()
    _, state = started(mixing, net)
    return page(mixing, state, HYPER, net, pictures(8), streams(0), **options)


@pytest.mark.parametrize("name", SHOWING)
def test_a_page_pairs_every_source_with_every_ratio(name):
    found = shown(SHOWING[name](), pairs=3)
    assert found.first.shape == found.second.shape == (3, 1, 8, 8)
    assert found.mixed.shape == (3, 5, 1, 8, 8)
    assert found.share.shape == (3, 5, 8, 8)
    assert (np.diff(found.ratio) >= 0).all()
    expected = found.first[:, None] * (1 - found.share[:, :, None]) + found.second[:, None] * found.share[:, :, None]
    np.testing.assert_allclose(found.mixed, expected, atol=1e-12)
    assert (found.first != found.second).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", ["mixup", "samix", "automix"])
def test_ratios_are_those_asked_for(name):
    np.testing.assert_allclose(shown(SHOWING[name](), ratios=(0.75, 0.25)).ratio, [0.25, 0.75])


def test_cutmix_shows_boxes_as_drawn_with_the_ratio_they_leave():
    found = shown(cutmix(), ratios=(0.5,) * 9)
    np.testing.assert_allclose(found.share.mean((2, 3)), np.tile(1 - found.ratio, (len(found.share), 1)), atol=1e-12)
    assert len(set(found.ratio.tolist())) > 3


def test_pictures_are_of_the_batch():
    found = shown(samix(), pairs=8)
    batch = pictures(8).x.numpy()
    assert all(any(np.array_equal(source, one) for one in batch) for source in (*found.first, *found.second))


@pytest.mark.parametrize("mixing", [plain(), manifold_mixup()])
def test_a_mixing_that_mixes_no_inputs_has_no_page(mixing):
    assert page(mixing, {}, HYPER, cnn(), pictures(), streams(0)) is None

"""Mixed first views find both sources' keys: against numpy, and the ends at which nothing is mixed."""

import numpy as np
import pytest
import torch

from tests.trainables.contrastive.small import HOSTS, WIDTH, drawn, numbers, started, views, worked
from trainables.contrastive.hosts import keys_of
from trainables.contrastive.mixings import contrastive_cutmix, contrastive_manifold, contrastive_mixup, contrastive_plain
from trainables.contrastive.projection import embed
from trainables.mixing.cutmix import pasted

MIXINGS = {"mixup": contrastive_mixup, "cutmix": contrastive_cutmix, "manifold-mixup": contrastive_manifold}
every_host = pytest.mark.parametrize("host", HOSTS)
every_mixing = pytest.mark.parametrize("name", MIXINGS)


def of(name, host):
    return MIXINGS[name](HOSTS[host], WIDTH)


def values(mixing, member, recipe, **changed):
    net, model, state = member
    return mixing.losses(state, numbers(**changed), recipe, net, model, views())[0].value


@every_host
@every_mixing
def test_the_mixed_loss_is_added_with_its_weight(name, host):
    mixing, batch = of(name, host), views()
    net, model, state = member = started(mixing)
    recipe = drawn(mixing, net)
    if name == "manifold-mixup":
        recipe["layer"] = torch.tensor(0)
    mixed = pasted(batch.x, recipe) if name == "cutmix" else recipe["ratio"] * batch.x + (1 - recipe["ratio"]) * batch.x[recipe["partner"]]
    z = embed(net, model, mixed)[0].numpy()
    plain = values(contrastive_plain(HOSTS[host], WIDTH), member, {})
    if host == "moco":
        keys = keys_of(state["encoder"], net, batch.view)[0].numpy()
    else:
        keys = embed(net, model, torch.cat([batch.x, batch.view]))[0].numpy()[6:]
    expected, _ = worked(host, state, z, keys, keys, recipe["partner"], recipe["ratio"].item())
    np.testing.assert_allclose(values(mixing, member, recipe), plain.numpy() + 0.5 * expected, rtol=1e-8)


@every_host
@every_mixing
def test_a_weight_of_zero_is_training_without_mixing(name, host):
    mixing = of(name, host)
    member = started(mixing)
    found = values(mixing, member, drawn(mixing, member[0]), mix_weight=0.0)
    assert torch.equal(found, values(contrastive_plain(HOSTS[host], WIDTH), member, {}))


@every_mixing
def test_draws_and_knobs_are_those_of_the_mixing_with_labels_and_a_weight(name):
    mixing = of(name, "simclr")
    assert [knob.name for knob in mixing.knobs] == ["alpha", "mix_weight"]
    assert "views" in mixing.needs
    assert (mixing.show is None) == (name == "manifold-mixup")


def test_a_batch_without_second_views_is_refused():
    mixing = of("mixup", "simclr")
    net, model, state = started(mixing)
    with pytest.raises(ValueError, match='needs a second view of every example: let the mixing need "views"'):
        mixing.losses(state, numbers(), drawn(mixing, net), net, model, views()._replace(view=()))

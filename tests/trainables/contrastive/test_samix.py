"""SAMix without labels: what is pasted, what it is told to be, and that each loss reaches only what it may."""

import numpy as np
import pytest
import torch
from torch.func import grad

from tests.trainables.contrastive.small import HOSTS, MOMENTUM, WIDTH, drawn, numbers, started, views, worked
from tests.trainables.contrastive.test_hosts import stepped
from tests.trainables.mixing.small import gap, zero
from trainables.axes import Model
from trainables.contrastive.hosts import keys_of
from trainables.contrastive.mixings import contrastive_plain
from trainables.contrastive.projection import embed
from trainables.contrastive.samix import contrastive_samix
from trainables.mixing import mixer
from trainables.mixing.mixer import SAMIX

every_host = pytest.mark.parametrize("host", HOSTS)


def of(host, **options):
    return contrastive_samix(HOSTS[host], WIDTH, MOMENTUM, **options)


def made(mixing, member, recipe):
    """Masks, mixed pictures, and keys of both views, from the parts."""
    net, _, state = member
    batch, partner = views(), recipe["partner"]
    maps, others = (net.encode(state["encoder"], x, 2) for x in (batch.x, batch.view))
    given = (numbers()["bend"], maps, others[partner], recipe["ratio"], (8, 8))
    share = mixer.shares_between(state["mixer"], SAMIX, *given)
    mixed = batch.x * (1 - share[:, None]) + batch.view[partner] * share[:, None]
    return share, mixed, *(keys_of(state["encoder"], net, x)[0].numpy() for x in (batch.x, batch.view))


@every_host
def test_pictures_are_pasted_across_views_and_are_to_find_each_source_s_other_view(host):
    mixing = of(host)
    net, model, state = member = started(mixing)
    recipe = drawn(mixing, net, ratio=0.4)
    share, mixed, of_first, of_second = made(mixing, member, recipe)
    shown = mixing.show(state, numbers(), recipe, net, views())
    torch.testing.assert_close(shown.mixed, mixed)
    assert share.std() > 1e-3
    z = embed(net, model, mixed)[0].numpy()
    expected, _ = worked(host, state, z, of_first, of_second, recipe["partner"], 0.4)
    plain = contrastive_plain(HOSTS[host], WIDTH).losses(state, numbers(), {}, net, model, views())[0].value
    found = mixing.losses(state, numbers(), recipe, net, model, views())[0].value
    np.testing.assert_allclose(found, plain.numpy() + 0.5 * expected, rtol=1e-8)


@every_host
def test_the_network_s_losses_reach_neither_mixer_nor_average(host):
    mixing = of(host)
    net, model, state = started(mixing)
    recipe = drawn(mixing, net, ratio=0.4)

    def risk(params, encoder, weights):
        given = {**state, "encoder": Model(encoder, state["encoder"].buffers), "mixer": weights}
        return mixing.losses(given, numbers(), recipe, net, Model(params, model.buffers), views())[0].mean()

    of_net, of_average, of_mixer = grad(risk, argnums=(0, 1, 2))(model.params, state["encoder"].params, state["mixer"])
    assert zero(of_average)
    assert zero(of_mixer)
    assert {key for key, leaf in of_net.items() if zero(leaf)} == {"head.weight", "head.bias"}


@every_host
def test_the_mixer_s_losses_reach_the_mixer_alone(host):
    mixing = of(host)
    net, model, state = started(mixing)
    recipe = drawn(mixing, net)

    def learned(params, encoder, weights):
        given = {**state, "encoder": Model(encoder, state["encoder"].buffers), "mixer": weights}
        after = stepped(mixing, net, Model(params, model.buffers), given, recipe).states.mixing
        return sum(leaf.sum() for leaf in after["mixer"].values())

    of_net, of_average, of_mixer = grad(learned, argnums=(0, 1, 2))(model.params, state["encoder"].params, state["mixer"])
    assert zero(of_net)
    assert zero(of_average)
    assert not zero(of_mixer)


@every_host
def test_the_mixer_is_trained_for_the_mixed_loss_the_annealed_local_term_and_its_masks(host):
    mixing = of(host, local_weight=0.5)
    net, model, state = member = started(mixing)
    recipe = drawn(mixing, net, mixer_ratio=0.7)
    own = {"partner": recipe["mixer_partner"], "ratio": recipe["mixer_ratio"]}
    share, mixed, of_first, of_second = made(mixing, member, own)
    z = embed(net, state["encoder"], mixed)[0].numpy()
    whole, local = worked(host, state, z, of_first, of_second, own["partner"], 0.7)
    after = stepped(mixing, net, model, state, recipe).states.mixing
    annealed = 0.5 * (1 + np.cos(np.pi * 0.25)) / 2
    assert after["logged"]["generation_loss"].item() == pytest.approx((whole + annealed * local).mean(), rel=1e-8)
    mask = max(abs(1 - share.mean().item() - 0.7) - 0.1, 0) - 2 * share.numpy().var()
    assert after["logged"]["mask_loss"].item() == pytest.approx(mask, rel=1e-10)
    assert gap(after["mixer"], state["mixer"]) > 1e-5


@every_host
def test_a_step_moves_the_mixer_down_a_gradient_that_finite_differences_find(host):
    mixing = of(host, mask_weight=0.3)
    net, model, state = started(mixing)
    recipe, name = drawn(mixing, net), "value.last.weight"

    def objective(weights):
        logged = stepped(mixing, net, model, {**state, "mixer": weights}, recipe).states.mixing["logged"]
        return (logged["generation_loss"] + 0.3 * logged["mask_loss"]).item()

    after = stepped(mixing, net, model, state, recipe).states.mixing["mixer"][name]
    gradient = ((1 - 0.1 * 0.01) * state["mixer"][name] - after) / 0.1
    up, down = ({**state["mixer"], name: state["mixer"][name] + sign * 1e-6 * torch.ones_like(after)} for sign in (1, -1))
    assert gradient.sum().item() == pytest.approx((objective(up) - objective(down)) / 2e-6, rel=1e-4)


def test_simclr_gets_an_average_that_follows_and_ratios_near_the_ends_are_mixed_evenly():
    mixing = of("simclr")
    net, model, state = started(mixing)
    after = stepped(mixing, net, model, state, drawn(mixing, net))
    for key, old in state["encoder"].params.items():
        expected = MOMENTUM * old + (1 - MOMENTUM) * after.model.params[key]
        torch.testing.assert_close(after.states.mixing["encoder"].params[key], expected)
    even = mixing.show(state, numbers(), drawn(mixing, net, ratio=0.05), net, views())
    torch.testing.assert_close(even.share, torch.full_like(even.share, 0.95))


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match=r"must not be negative, got 0\.1, -0\.5 and 1"):
        of("moco", local_weight=-0.5)

import inspect

import numpy as np
import pytest
import torch
from torch.func import grad
from torch.nn.functional import cross_entropy

from tests.trainables.mixing.small import (
    cnn,
    counted,
    gap,
    hyper,
    logged_step,
    model_of,
    number,
    pictures,
    recipe_of,
    started,
    stepped,
    zero,
)
from trainables import methods, tree
from trainables.axes import FEATURES, Method, Model, keep
from trainables.draws import stream, streams
from trainables.engine.evaluate import evaluate
from trainables.engine.step import Member, States
from trainables.mixing import mixer
from trainables.mixing.apprentice import Lessons, mixer_loss
from trainables.mixing.heads import for_mixed
from trainables.mixing.mixer import SAMIX
from trainables.mixing.mixup import blend, mixup
from trainables.mixing.pasting import TAIL, pasted, rescaled, share_of_partner
from trainables.mixing.samix import automix, samix
from trainables.mixing.teacher import momentum
from trainables.nets import build

LEARNED = {"samix": samix, "automix": automix}
every_mixer = pytest.mark.parametrize("name", LEARNED)
LESSONS = Lessons(SAMIX, "balanced", decided=True, mask_weight=0.1, warmed=True, rate=1.0)


@every_mixer
def test_the_classifier_s_losses_reach_neither_mixer_nor_encoder(name):
    net, mixing, batch = cnn(), LEARNED[name](), pictures()
    model, state = started(mixing, net)
    recipe = recipe_of(mixing, net, ratio=0.4)

    def risk(params, encoder, weights):
        given = {**state, "encoder": Model(encoder, state["encoder"].buffers), "mixer": weights}
        return mixing.losses(given, hyper(), recipe, net, Model(params, model.buffers), batch)[0].mean()

    of_net, of_encoder, of_mixer = grad(risk, argnums=(0, 1, 2))(model.params, state["encoder"].params, state["mixer"])
    assert zero(of_encoder)
    assert zero(of_mixer)
    assert not any(zero(leaf) for leaf in of_net.values())


@every_mixer
def test_each_head_learns_from_its_own_loss_and_the_stages_from_both(name):
    net, mixing, batch = cnn(), LEARNED[name](), pictures()
    model, state = started(mixing, net)
    recipe = recipe_of(mixing, net, ratio=0.4)
    design = SAMIX if name == "samix" else mixer.AUTOMIX
    share = share_of_partner(design, state, hyper() if name == "samix" else {}, recipe, net, batch.x)
    mixed = batch.x * (1 - share[:, None]) + batch.x[recipe["partner"]] * share[:, None]

    def of_mixed(params):
        logits, _ = net.apply(for_mixed(Model(params, model.buffers)), mixed, keep)
        return 0.4 * cross_entropy(logits, batch.y) + 0.6 * cross_entropy(logits, batch.y[recipe["partner"]])

    def of_clean(params):
        return cross_entropy(net.apply(Model(params, model.buffers), batch.x, keep)[0], batch.y)

    def both(params):
        return mixing.losses(state, hyper(), recipe, net, Model(params, model.buffers), batch)[0].mean()

    mixed_part, clean_part, whole = (grad(loss)(model.params) for loss in (of_mixed, of_clean, both))
    for key, leaf in whole.items():
        torch.testing.assert_close(leaf, mixed_part[key] + clean_part[key], rtol=1e-9, atol=1e-12)
        assert zero(mixed_part[key]) == key.startswith("head.")
        assert zero(clean_part[key]) == key.startswith("head_mix.")
    assert both(model.params).item() == pytest.approx((of_mixed(model.params) + of_clean(model.params)).item(), rel=1e-12)


@every_mixer
def test_the_mixer_s_losses_reach_the_mixer_alone(name):
    net, mixing = cnn(), LEARNED[name]()
    model, state = started(mixing, net)
    recipe = recipe_of(mixing, net)

    def learned(params, encoder, weights):
        given = {**state, "encoder": Model(encoder, state["encoder"].buffers), "mixer": weights}
        after = stepped(mixing, net, Model(params, model.buffers), given, recipe).states.mixing
        return sum(leaf.sum() for leaf in after["mixer"].values())

    of_net, of_encoder, of_mixer = grad(learned, argnums=(0, 1, 2))(model.params, state["encoder"].params, state["mixer"])
    assert zero(of_net)
    assert zero(of_encoder)
    assert not zero(of_mixer)


def test_the_encoder_passes_gradients_to_the_mixer_through_its_input():
    net, mixing, batch = cnn(), samix(), pictures()
    _, state = started(mixing, net)
    recipe = recipe_of(mixing, net)
    maps = net.encode(state["encoder"], batch.x, 2)

    def generation(weights):
        return mixer_loss(LESSONS._replace(mask_weight=0.0), weights, state["encoder"], maps, hyper(), net, batch, recipe)[0]

    gradient = grad(generation)(state["mixer"])
    for key, leaf in state["mixer"].items():
        direction = torch.from_numpy(stream(1, key).normal(size=tuple(leaf.shape)))
        up, down = ({**state["mixer"], key: leaf + sign * 1e-6 * direction} for sign in (1, -1))
        difference = (generation(up) - generation(down)).item() / 2e-6
        assert (gradient[key] * direction).sum().item() == pytest.approx(difference, rel=1e-4, abs=1e-8), key
    assert not zero(gradient["value.last.weight"])


def test_the_mixer_s_loss_is_generation_plus_a_tenth_of_the_mask_s():
    net, mixing, batch = cnn(), samix(), pictures()
    _, state = started(mixing, net)
    recipe = recipe_of(mixing, net, mixer_ratio=0.8)
    maps = net.encode(state["encoder"], batch.x, 2)
    found, logged = mixer_loss(LESSONS, state["mixer"], state["encoder"], maps, hyper(), net, batch, recipe)
    partner = recipe["mixer_partner"]
    share = mixer.shares(state["mixer"], SAMIX, number(0.25), maps, partner, number(0.8), (8, 8))
    logits, _ = net.apply(for_mixed(state["encoder"]), pasted(batch.x, partner, share), keep)
    p, i, j = logits.numpy(), batch.y.numpy(), batch.y[partner].numpy()
    rows = np.arange(6)
    logs = p - np.log(np.exp(p).sum(1, keepdims=True))
    pair = np.log1p(np.exp(p[rows, j] - p[rows, i])), np.log1p(np.exp(p[rows, i] - p[rows, j]))
    generation = (0.8 * pair[0] + 0.2 * pair[1] + 0.5 * (-0.8 * logs[rows, i] - 0.2 * logs[rows, j])).mean()
    mask = max(abs(1 - share.mean().item() - 0.8) - 0.1, 0) - 2 * share.numpy().var()
    assert logged["generation_loss"].item() == pytest.approx(generation, rel=1e-10)
    assert logged["mask_loss"].item() == pytest.approx(mask, rel=1e-10)
    assert found.item() == pytest.approx(generation + 0.1 * mask, rel=1e-10)
    plain, _ = mixer_loss(LESSONS._replace(generation="mce"), state["mixer"], state["encoder"], maps, hyper(), net, batch, recipe)
    mce = (-0.8 * logs[rows, i] - 0.2 * logs[rows, j]).mean()
    assert plain.item() == pytest.approx(mce + 0.1 * mask, rel=1e-10)


def test_a_step_moves_the_mixer_down_its_gradient_at_the_network_s_rate_and_decay():
    net, mixing, batch = cnn(), samix(), pictures()
    model, state = started(mixing, net)
    recipe = recipe_of(mixing, net)
    maps = net.encode(state["encoder"], batch.x, 2)
    gradient = grad(lambda weights: mixer_loss(LESSONS, weights, state["encoder"], maps, hyper(), net, batch, recipe)[0])(state["mixer"])
    after = stepped(mixing, net, model, state, recipe).states.mixing
    for key, leaf in state["mixer"].items():
        torch.testing.assert_close(after["mixer"][key], (1 - 0.1 * 0.01) * leaf - 0.1 * gradient[key], rtol=1e-9, atol=1e-12)
    slow = stepped(samix(mixer_rate=0.0), net, model, state, recipe).states.mixing
    assert gap(slow["mixer"], state["mixer"]) == 0


@pytest.mark.parametrize("warmed", [True, False])
def test_the_encoder_moves_towards_the_network_after_its_step(warmed):
    net, mixing = cnn(), samix(warmed=warmed)
    model, state = started(mixing, net)
    state["count"] = number(30)
    after = stepped(mixing, net, model, state, recipe_of(mixing, net))
    kept = momentum(number(0.25), number(30), warmed)
    assert kept.item() == pytest.approx(31 / 40 if warmed else 0.999 + 0.000999 * (1 - np.cos(np.pi / 4)) / 2, rel=1e-12)
    for key, old in state["encoder"].params.items():
        torch.testing.assert_close(after.states.mixing["encoder"].params[key], kept * old + (1 - kept) * after.model.params[key])
    assert gap(after.model.params, model.params) > 1e-4
    assert after.states.mixing["count"].item() == 31


@every_mixer
def test_running_statistics_move_once_a_step_by_the_pass_over_the_unmixed_batch(name):
    net, mixing, batch = cnn(), LEARNED[name](), pictures()
    model, state = started(mixing, net)
    after = stepped(mixing, net, model, state, recipe_of(mixing, net))
    assert gap(after.model.buffers, net.apply(model, batch.x, keep)[1]) == 0
    assert gap(after.states.mixing["encoder"].buffers, net.apply(state["encoder"], batch.x, keep)[1]) == 0
    counts = [leaf for key, leaf in after.model.buffers.items() if key.endswith("num_batches_tracked")]
    assert counts == [1, 1, 1]


@pytest.mark.parametrize(
    ("ratio", "constant"), [(TAIL, True), (1 - TAIL, True), (0.0, True), (1.0, True), (0.0801, False), (0.9199, False)]
)
def test_ratios_near_the_ends_are_mixed_like_mixup(ratio, constant):
    net, mixing, batch = cnn(), samix(), pictures()
    _, state = started(mixing, net)
    recipe = recipe_of(mixing, net, ratio=ratio)
    shown = mixing.show(state, hyper(), recipe, net, batch)
    like_mixup = blend(batch.x, batch.x[recipe["partner"]], number(ratio))
    assert ((shown.mixed - like_mixup).abs().max() < 1e-12).item() == constant


@every_mixer
def test_mixed_pixels_lie_between_those_of_their_sources(name):
    net, mixing, batch = cnn(), LEARNED[name](), pictures()
    _, state = started(mixing, net)
    for ratio in (0.1, 0.5, 0.9):
        shown = mixing.show(state, hyper(), recipe_of(mixing, net, ratio=ratio), net, batch)
        assert (shown.mixed >= torch.minimum(shown.first, shown.second) - 1e-12).all()
        assert (shown.mixed <= torch.maximum(shown.first, shown.second) + 1e-12).all()
        expected = shown.first * (1 - shown.share[:, None]) + shown.second * shown.share[:, None]
        assert torch.equal(shown.mixed, expected)
        assert torch.equal(shown.second, batch.x[recipe_of(mixing, net)["partner"]])


def test_the_mask_is_read_from_the_encoder_s_maps_after_the_last_stage_but_one():
    net, mixing, batch = cnn(), samix(), pictures()
    _, state = started(mixing, net)
    recipe = recipe_of(mixing, net, ratio=0.3)
    caught = {}
    net.apply(state["encoder"], batch.x, caught.setdefault)
    expected = mixer.shares(state["mixer"], SAMIX, number(0.25), caught[2], recipe["partner"], number(0.3), (8, 8))
    assert net.stages == 3
    assert FEATURES in caught
    assert torch.equal(mixing.show(state, hyper(), recipe, net, batch).share, expected)


@pytest.mark.parametrize("mean", [0.05, 0.4, 0.6, 0.97])
def test_adjusted_masks_have_the_mean_asked_for_and_stay_shares(mean):
    share = torch.from_numpy(stream(0, "share").random((4, 5, 6)))
    found = rescaled(share, number(mean))
    torch.testing.assert_close(found.mean((1, 2)), number(mean).expand(4))
    assert ((found >= 0) & (found <= 1)).all()
    torch.testing.assert_close(rescaled(found, number(mean)), found)
    assert torch.equal(found.flatten(1).argsort(), share.flatten(1).argsort())


def test_adjusting_aims_at_the_classifier_s_own_ratio():
    net, batch = cnn(), pictures()
    always, never = samix(adjust=1.0), samix()
    _, state = started(always, net)
    recipe = recipe_of(always, net, ratio=0.7, mixer_ratio=0.2)
    assert recipe["adjust"].item()
    share = always.show(state, hyper(), recipe, net, batch).share
    torch.testing.assert_close(share.mean((1, 2)), number(0.3).expand(6))
    assert "adjust" not in recipe_of(never, net)
    assert 0.2 < samix(adjust=0.3).draw(streams(0, 0), {"alpha": 2.0}, 1000, 2, net)["adjust"].double().mean() < 0.4


def test_the_mixer_s_pairs_are_drawn_apart_from_the_classifier_s_which_are_mixup_s():
    net = cnn()
    drawn = samix().draw(streams(0, 0), {"alpha": 2.0}, 500, 6, net)
    assert abs(np.corrcoef(drawn["ratio"], drawn["mixer_ratio"])[0, 1]) < 0.1
    assert (drawn["partner"] == drawn["mixer_partner"]).double().mean() < 0.25
    like_mixup = mixup().draw(streams(0, 0), {"alpha": 2.0}, 500, 6, net)
    assert torch.equal(drawn["ratio"], like_mixup["ratio"])
    assert torch.equal(drawn["partner"], like_mixup["partner"])


def test_the_network_s_step_does_not_depend_on_the_mixer_s_draws():
    net, mixing = cnn(), samix()
    model, state = started(mixing, net)
    one, other = (stepped(mixing, net, model, state, recipe_of(mixing, net, mixer_ratio=ratio)) for ratio in (0.2, 0.7))
    assert gap(one.model, other.model) == 0
    assert gap(one.states.mixing["mixer"], other.states.mixing["mixer"]) > 1e-5


@every_mixer
def test_what_is_evaluated_is_the_average_with_its_own_head(name):
    net, mixing, batch = cnn(), LEARNED[name](), pictures()
    model, state = started(mixing, net)
    deployed = mixing.deploy(state, model)
    assert deployed.params.keys() == net.init(streams(0)).params.keys()
    group = tree.stack([Member(model, {}, States(state, {}, {}))])
    losses, _ = evaluate(Method(mixing, *methods.make(methods.Axes())[1:]), net, group, batch.x, batch.y)
    logits = net.predict(Model(state["encoder"].params, state["encoder"].buffers), batch.x)
    torch.testing.assert_close(losses[0], cross_entropy(logits, batch.y, reduction="none"))


def test_a_member_begins_with_an_encoder_equal_to_its_network_and_two_different_heads():
    net = cnn()
    model = samix().grow(streams(0), net, model_of(net))
    state = samix().init(streams(0), hyper(), net, model)
    assert gap(state["encoder"], model) == 0
    assert model.params["head_mix.weight"].shape == model.params["head.weight"].shape
    assert gap(model.params["head_mix.weight"], model.params["head.weight"]) > 0.01
    assert model.params["head_mix.weight"].abs().max() <= 1 / np.sqrt(net.width)


def test_a_step_logs_the_mixer_s_own_losses():
    net, mixing = cnn(), samix()
    model, state = started(mixing, net)
    recipe = recipe_of(mixing, net)
    found = logged_step(mixing, net, model, state, recipe)[1]
    maps = net.encode(state["encoder"], pictures().x, 2)
    _, expected = mixer_loss(LESSONS, state["mixer"], state["encoder"], maps, hyper(), net, pictures(), recipe)
    assert expected.keys() == {"generation_loss", "mask_loss", "mask_share", "mask_spread"}
    assert {key: found[key].item() for key in expected} == pytest.approx({key: leaf.item() for key, leaf in expected.items()})


def test_a_step_costs_four_whole_passes_and_one_to_the_mixer_s_depth():
    net, passes = counted(cnn())
    encoded = []
    spied = net._replace(encode=lambda model, x, depth: (encoded.append(depth), net.encode(model, x, depth))[1])
    mixing = samix()
    model, state = started(mixing, spied)
    stepped(mixing, spied, model, state, recipe_of(mixing, spied))
    assert passes == [6] * 4
    assert encoded == [2]


def test_a_net_without_maps_is_refused_with_the_reason():
    net = build("mlp", (1, 8, 8), 3, width=4)
    model = samix().grow(streams(0), net, model_of(net))
    assert "spatial" in samix().needs
    with pytest.raises(ValueError, match=r"needs a net whose stages put out maps, got hidden values of shapes \(\(4,\), \(4,\)\); use cnn"):
        samix().init(streams(0), hyper(), net, model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"generation": "best"}, "generation must be balanced or mce, got 'best'"),
        ({"mask_weight": -0.1}, "must not be negative"),
        ({"mixer_rate": -1.0}, "must not be negative"),
        ({"adjust": 1.5}, r"adjust is a probability and must lie in \[0, 1\], got 1.5"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        inspect.unwrap(samix)(**options)


def test_knobs_follow_from_what_is_trained():
    names = {mixing: [knob.name for knob in mixing.knobs] for mixing in (samix(), samix(generation="mce"), automix())}
    assert list(names.values()) == [["alpha", "eta", "bend"], ["alpha", "bend"], ["alpha"]]

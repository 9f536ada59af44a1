import inspect

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import grad

from tests.trainables.mixing.small import batch_of, cnn, counted, gap, hyper, linear, model_of, number, pictures, table, with_head
from trainables.axes import Losses, Model
from trainables.draws import stream, streams
from trainables.mixing.manifold import manifold_mixup
from trainables.mixing.mixup import mixup
from trainables.mixing.plain import plain
from trainables.mixing.synermix import BETA, intra_losses, joined, shares, synermix, synermix_intra, synermix_manifold, urns

HEAD = [[1.0, 0.0], [0.0, 1.0], [0.5, -0.5]]
FEATURES = [[3.0, 0.0], [4.0, -1.0], [1.0, 1.0]]
LABELS = [0, 0, 2]
DRAWN = {"within": table([0.2, 0.6, 0.9])}
INTERS = {"none": plain, "mixup": mixup, "manifold-mixup": manifold_mixup}


def intra(x, head=HEAD, drawn=DRAWN, labels=LABELS, **numbers):
    model = head if isinstance(head, Model) else with_head(head)
    return intra_losses(hyper(**numbers), drawn, linear(3, (2,)), model, batch_of(x, labels))


def drawn_step(mixing, net, size=6, seed=0):
    recipe = mixing.draw(streams(seed, 0), {"alpha": 1.0, "beta": 0.1}, 1, size, net)
    return {name: leaf[0] for name, leaf in recipe.items()}


def test_weights_are_normalised_within_each_class():
    share, present = shares(DRAWN["within"], torch.tensor(LABELS), 3)
    np.testing.assert_allclose(share.numpy(), [[0.25, 0, 0], [0.75, 0, 0], [0, 0, 1]], rtol=1e-12)
    assert present.tolist() == [True, False, True]
    np.testing.assert_allclose((share.T @ table(FEATURES)).numpy()[0], [3.75, -0.75], rtol=1e-12)


def test_losses_are_the_worked_numbers():
    losses = intra(table(FEATURES))
    np.testing.assert_allclose(losses.value[[0, 2]].numpy(), [0.2104547128, 1.8619948041], rtol=1e-9)
    np.testing.assert_allclose(losses.weight.numpy(), [0.5, 0, 0.5])
    assert losses.mean().item() == pytest.approx(1.0362247584, rel=1e-9)


def test_the_gradient_reaches_the_features_in_proportion_to_their_weights():
    gradient = grad(lambda x: intra(x).mean())(table(FEATURES))
    np.testing.assert_allclose(gradient[:2].numpy(), np.outer([0.25, 0.75], [-0.0496962343, -0.0406955504]), rtol=1e-8)


def test_the_gradient_reaches_the_head():
    model = with_head(HEAD)
    gradient = grad(lambda params: intra(table(FEATURES), Model(params, model.buffers)).mean())(model.params)["head.weight"]
    synthetic = np.array([[3.75, -0.75], [1.0, 1.0]])
    logits = synthetic @ np.array(HEAD).T
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(gradient.numpy(), (chances - np.eye(3)[[0, 2]]).T @ synthetic / 2, rtol=1e-10)


def test_both_parts_are_weighted_by_beta():
    inter, one = Losses(table([1.0, 1.5]), table([0.5, 0.5])), Losses(table([0.2104547128, 9.0, 1.8619948041]), table([0.5, 0.0, 0.5]))
    both = joined(inter, one, number(0.1))
    assert both.mean().item() == pytest.approx(1.2286224758, rel=1e-9)
    assert both.weight.sum().item() == pytest.approx(1)


@given(seed=st.integers(0, 10_000))
def test_synthetic_features_lie_between_those_of_their_class(seed):
    drawn = stream(seed, "case")
    y, features = torch.from_numpy(drawn.integers(0, 3, 8)), torch.from_numpy(drawn.normal(size=(8, 5)))
    share, present = shares(urns(drawn, 1, 8)[0], y, 3)
    synthetic = share.T @ features
    for label in range(3):
        members = features[y == label]
        assert present[label] == (len(members) > 0)
        if len(members):
            assert (synthetic[label] >= members.min(0).values - 1e-12).all()
            assert (synthetic[label] <= members.max(0).values + 1e-12).all()


@pytest.mark.parametrize(("count", "variance"), [(2, 0.05684), (3, 0.03232), (5, 0.01285)])
def test_weights_vary_as_uniforms_over_their_sum_and_not_as_a_dirichlet(count, variance):
    drawn = urns(stream(0, "within"), 200_000, count)
    assert (drawn > 0).all()
    assert (drawn <= 1).all()
    assert (drawn / drawn.sum(1, keepdim=True)).var(0).mean().item() == pytest.approx(variance, rel=0.01)


def test_a_class_of_one_keeps_its_feature_and_an_absent_class_counts_for_nothing():
    losses = intra(table([[1.0, 1.0]]), drawn={"within": table([0.7])}, labels=[2])
    np.testing.assert_allclose(losses.weight.numpy(), [0, 0, 1])
    assert losses.value.isfinite().all()
    assert losses.mean().item() == pytest.approx(1.8619948041, rel=1e-9)


def test_targets_are_smoothed_like_those_of_every_mixing():
    smoothed = intra(table(FEATURES), label_smoothing=0.3).value[0].item()
    logits = np.array(HEAD) @ [3.75, -0.75]
    logs = logits - np.log(np.exp(logits).sum())
    assert smoothed == pytest.approx(-(np.array([0.8, 0.1, 0.1]) @ logs), rel=1e-10)


@pytest.mark.parametrize("inter", INTERS)
def test_the_inter_part_is_the_mixing_it_is_named_after_and_alone_moves_the_running_statistics(inter):
    net, batch = cnn(), pictures()
    model, mixing = model_of(net), synermix(inter)
    recipe = drawn_step(mixing, net)
    losses, buffers = mixing.losses({}, hyper(beta=0.3), recipe, net, model, batch)
    alone, moved = INTERS[inter]().losses({}, hyper(), recipe, net, model, batch)
    assert torch.equal(losses.value[:6], alone.value)
    torch.testing.assert_close(losses.weight, torch.cat([0.7 * alone.weight, number(0.1).expand(3)]))
    assert gap(buffers, moved) == 0


def test_the_intra_part_looks_at_the_inputs_without_augmentation():
    net, batch = cnn(), pictures()
    model, mixing = model_of(net), synermix("mixup")
    recipe = drawn_step(mixing, net)
    changed = batch._replace(clean=batch.clean + 1)
    one, other = (mixing.losses({}, hyper(), recipe, net, model, given)[0] for given in (batch, changed))
    assert torch.equal(one.value[:6], other.value[:6])
    assert (one.value[6:] != other.value[6:]).all()


@pytest.mark.parametrize("inter", INTERS)
def test_at_beta_one_augmented_inputs_have_no_gradient(inter):
    net, batch, mixing = cnn(), pictures(), synermix(inter)
    model, recipe = model_of(net), drawn_step(mixing, net)

    def risk(x, clean):
        return mixing.losses({}, hyper(beta=1.0), recipe, net, model, batch._replace(x=x, clean=clean))[0].mean()

    augmented, plainly = grad(risk, argnums=(0, 1))(batch.x, batch.clean)
    assert (augmented == 0).all()
    assert (plainly != 0).any()


@pytest.mark.parametrize("inter", INTERS)
def test_beta_nought_is_a_choice_of_structure_and_runs_no_intra_pass(inter):
    net, passes = counted(cnn())
    batch, model = pictures(), model_of(net)
    off, on = synermix(inter, intra=False), synermix(inter)
    assert BETA.name not in [knob.name for knob in off.knobs]
    with pytest.raises(ValueError, match="beta must lie in"):
        BETA.check(0.0)
    recipe = drawn_step(on, net)
    assert gap(off.losses({}, hyper(), recipe, net, model, batch), INTERS[inter]().losses({}, hyper(), recipe, net, model, batch)) == 0
    passes.clear()
    off.losses({}, hyper(), recipe, net, model, batch)
    assert len(passes) == 1
    on.losses({}, hyper(), recipe, net, model, batch)
    assert len(passes) == 3


def test_as_beta_vanishes_the_gradient_becomes_that_of_the_inter_mixing():
    net, batch, mixing = cnn(), pictures(), synermix("mixup")
    model, recipe = model_of(net), drawn_step(mixing, net)

    def gradient(chosen, **numbers):
        return grad(lambda params: chosen.losses({}, hyper(**numbers), recipe, net, Model(params, model.buffers), batch)[0].mean())(
            model.params
        )

    assert gap(gradient(mixing, beta=1e-6), gradient(mixup())) < 1e-5


def test_a_mate_joins_the_only_example_of_its_class_and_no_other():
    batch = batch_of(table(FEATURES), LABELS)._replace(mates=table([[50.0, 50.0], [60.0, 60.0], [3.0, -1.0]]))
    drawn = {"within": table([0.2, 0.6, 0.9, 0.5, 0.5, 0.3])}
    losses = intra_losses(hyper(), drawn, linear(3, (2,)), with_head(HEAD), batch)
    logits = np.array(HEAD) @ (0.75 * np.array([1.0, 1.0]) + 0.25 * np.array([3.0, -1.0]))
    assert losses.value[2].item() == pytest.approx(np.log(np.exp(logits).sum()) - logits[2], rel=1e-10)
    assert losses.value[0].item() == pytest.approx(0.2104547128, rel=1e-9)  # two examples: no mate
    assert losses.weight.tolist() == [0.5, 0, 0.5]  # an absent class stays absent


def test_mates_are_asked_for_only_where_singletons_are_paired():
    assert synermix().needs == {"clean"}
    assert synermix(pair_singletons=True).needs == {"clean", "mates"}
    net, passes = counted(cnn())
    mixing = synermix("none", pair_singletons=True)
    batch = pictures()._replace(mates=pictures(3, seed=1).x)
    mixing.losses({}, hyper(), drawn_step(mixing, net), net, model_of(net), batch)
    assert passes == [6, 9]


def test_mates_that_nobody_asked_for_are_ignored():
    net, mixing = cnn(), synermix()
    recipe, model = drawn_step(mixing, net), model_of(net)
    with_mates = pictures()._replace(mates=pictures(3, seed=1).x)
    one, other = (mixing.losses({}, hyper(), recipe, net, model, batch) for batch in (pictures(), with_mates))
    assert gap(one, other) == 0


def test_the_presets_differ_in_what_is_mixed_between_classes():
    defaults = {factory: {knob.name: knob.default for knob in factory().knobs} for factory in (synermix, synermix_intra, synermix_manifold)}
    assert list(defaults.values()) == [{"alpha": 1.0, "beta": 0.1}, {"beta": 0.5}, {"alpha": 2.0, "beta": 0.1}]


def test_another_inter_part_is_refused():
    with pytest.raises(ValueError, match="inter must be one of none, mixup, manifold-mixup"):
        inspect.unwrap(synermix)("cutmix")  # without the tests' own check of annotations

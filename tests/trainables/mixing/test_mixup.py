import numpy as np
import pytest
import torch
from torch.func import grad

from tests.trainables.mixing.small import batch_of, hyper, linear, number, table, with_head
from trainables.axes import Model
from trainables.draws import stream, streams
from trainables.mixing.mixup import blend, mixup, partners, ratios
from trainables.mixing.plain import plain

LOGITS = [[2.0, 0.0], [0.0, 1.0]]
PAIR = {"ratio": number(0.25), "partner": torch.tensor([1, 0])}


def softmax(rows):
    rows = np.exp(rows - rows.max(1, keepdims=True))
    return rows / rows.sum(1, keepdims=True)


def test_the_loss_is_the_worked_number_and_its_gradient_softmax_minus_mixed_labels():
    # features that mix to the identity, so that the head's rows are the logits
    x = torch.linalg.inv(table([[0.25, 0.75], [0.75, 0.25]]))
    net, model, batch = linear(2, (2,)), with_head([[2.0, 0.0], [0.0, 1.0]]), batch_of(x, [0, 1])

    def mean(params):
        losses, _ = mixup().losses({}, hyper(), PAIR, net, Model(params, model.buffers), batch)
        return losses.mean()

    assert mean(model.params).item() == pytest.approx(1.3450948492805979, rel=1e-12)
    mixed_labels = np.array([[0.25, 0.75], [0.75, 0.25]])
    expected = ((softmax(np.array(LOGITS)) - mixed_labels) / 2).T  # d/dW = (p - t)^T x~, and x~ is the identity
    np.testing.assert_allclose(grad(mean)(model.params)["head.weight"].numpy(), expected, rtol=1e-10)


def test_inputs_are_blended_with_the_partner():
    seen = []
    net = linear(2, (2,))
    spy = net._replace(apply=lambda model, x, between: (seen.append(x), net.apply(model, x, between))[1])
    x = table([[1.0, 2.0], [3.0, -1.0]])
    mixup().losses({}, hyper(), PAIR, spy, with_head(LOGITS), batch_of(x, [0, 1]))
    np.testing.assert_allclose(seen[0].numpy(), [[2.5, -0.25], [1.5, 1.25]], rtol=1e-12)


def test_label_smoothing_smooths_both_labels():
    net, model, batch = linear(2, (2,)), with_head(LOGITS), batch_of(table([[1.0, 0.0], [0.0, 1.0]]), [0, 1])
    unmixed = {"ratio": number(1.0), "partner": torch.tensor([1, 0])}
    losses, _ = mixup().losses({}, hyper(label_smoothing=0.2), unmixed, net, model, batch)
    logs = np.log(softmax(np.array(LOGITS).T))
    np.testing.assert_allclose(losses.value.numpy(), [-(0.9 * logs[0, 0] + 0.1 * logs[0, 1]), -(0.9 * logs[1, 1] + 0.1 * logs[1, 0])])


def test_ratio_one_is_plain_training_to_the_last_bit():
    x = torch.from_numpy(stream(0, "x").normal(size=(5, 2)))
    net, model, batch = linear(2, (2,)), with_head(LOGITS), batch_of(x, [0, 1, 1, 0, 1])
    recipe = {"ratio": number(1.0), "partner": torch.tensor([4, 3, 2, 1, 0])}
    mixed, _ = mixup().losses({}, hyper(), recipe, net, model, batch)
    unmixed, _ = plain().losses({}, hyper(), {}, net, model, batch)
    assert torch.equal(mixed.value, unmixed.value)
    assert torch.equal(mixed.weight, unmixed.weight)


def test_alpha_nought_draws_ratio_one():
    assert ratios(stream(0, "ratio"), 0.0, 7).tolist() == [1.0] * 7


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_ratios_have_the_mean_and_variance_of_the_beta_distribution(alpha):
    drawn = ratios(stream(0, "ratio"), alpha, 40_000).numpy()
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


def test_every_step_pairs_by_a_permutation_of_its_own():
    drawn = partners(stream(0, "partner"), 50, 6)
    assert torch.equal(drawn.sort(1).values, torch.arange(6).expand(50, 6))
    assert len({tuple(row) for row in drawn.tolist()}) > 30


def test_configurations_with_one_seed_pair_alike_whatever_their_alpha():
    net = linear(2, (2,))
    one, other = (mixup().draw(streams(3, 1), {"alpha": alpha}, 4, 5, net)["partner"] for alpha in (0.1, 2.0))
    assert torch.equal(one, other)


def test_the_page_shows_what_is_trained_on():
    batch = batch_of(torch.from_numpy(stream(0, "x").normal(size=(2, 1, 3, 4))), [0, 1])
    shown = mixup().show({}, hyper(), PAIR, linear(2, (2,)), batch)
    assert torch.equal(shown.mixed, blend(batch.x, batch.x.flip(0), PAIR["ratio"]))
    assert torch.equal(shown.share, torch.full((2, 3, 4), 0.75, dtype=torch.float64))
    assert torch.equal(shown.second, batch.x.flip(0))

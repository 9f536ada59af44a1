import numpy as np
import pytest
import torch

from tests.trainables.mixing.small import batch_of, cnn, gap, hyper, linear, model_of, number, pictures, table, with_head
from trainables.draws import streams
from trainables.mixing.manifold import manifold_mixup
from trainables.mixing.mixup import mixup
from trainables.mixing.plain import plain

PARTNER = torch.tensor([3, 0, 4, 1, 5, 2])


def recipe(layer, ratio=0.3):
    return {"ratio": number(ratio), "partner": PARTNER, "layer": torch.tensor(layer)}


def found(mixing, given, seed=0):
    net = cnn()
    return mixing.losses({}, hyper(), given, net, model_of(net, seed), pictures())


def test_the_loss_is_the_worked_number():
    # mixing at the input of a linear net: features that mix to the identity, so that the head holds the logits
    x = torch.linalg.inv(table([[0.25, 0.75, 0], [0, 0.25, 0.75], [0, 0, 1]]))
    net, model = linear(3, (3,)), with_head([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.5, 0.0]])
    given = {"ratio": number(0.25), "partner": torch.tensor([1, 2, 2]), "layer": torch.tensor(0)}
    losses, _ = manifold_mixup().losses({}, hyper(), given, net, model, batch_of(x, [0, 1, 2]))
    assert losses.value[:2].mean().item() == pytest.approx(1.3625578450990101, rel=1e-12)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_hidden_value_and_the_labels_are_mixed_at_the_drawn_layer(layer):
    net, batch = cnn(), pictures()
    model = model_of(net)

    def by_hand(depth, hidden):
        return 0.3 * hidden + 0.7 * hidden[PARTNER] if depth == layer else hidden

    logits, buffers = net.apply(model, batch.x, by_hand)
    logs = logits.log_softmax(1)
    expected = -0.3 * logs[range(6), batch.y] - 0.7 * logs[range(6), batch.y[PARTNER]]
    losses, moved = found(manifold_mixup(), recipe(layer))
    torch.testing.assert_close(losses.value, expected, rtol=1e-10, atol=1e-12)
    assert gap(moved, buffers) < 1e-12
    elsewhere, _ = found(manifold_mixup(), recipe((layer + 1) % 3))
    assert gap(elsewhere.value, losses.value) > 1e-3


def test_mixing_at_the_input_is_mixup():
    assert gap(found(manifold_mixup(), recipe(0)), found(mixup(), recipe(0))) == 0


def test_ratio_one_is_plain_training_to_the_last_bit():
    for layer in range(3):
        assert gap(found(manifold_mixup(), recipe(layer, 1.0)), found(plain(), {})) == 0


def test_layers_are_drawn_evenly_and_no_deeper_than_the_net():
    def layers(deepest, stages):
        drawn = manifold_mixup(deepest).draw(streams(0, 0), {"alpha": 2.0}, 3000, 4, cnn(stages=stages))
        return np.bincount(drawn["layer"].numpy()) / 3000

    np.testing.assert_allclose(layers(2, 3), [1 / 3] * 3, atol=0.03)
    np.testing.assert_allclose(layers(2, 1), [1 / 2] * 2, atol=0.03)
    np.testing.assert_allclose(layers(0, 3), [1.0])


def test_a_negative_depth_is_refused():
    with pytest.raises(ValueError, match="deepest must be 0"):
        manifold_mixup(-1)

"""The two hosts against numpy, and who learns from what."""

import numpy as np
import pytest
import torch
from torch.func import grad

from tests.trainables.contrastive.small import HOSTS, MOMENTUM, QUEUE, TEMPERATURE, WIDTH, numbers, started, views
from tests.trainables.mixing.small import gap, zero
from trainables import methods
from trainables.axes import Method, Model
from trainables.contrastive.hosts import followed, keys_of
from trainables.contrastive.mixings import contrastive_plain
from trainables.contrastive.projection import embed, projected
from trainables.draws import streams
from trainables.engine.step import Inputs, Member, States, make_step
from trainables.optimizer import sgd

every_host = pytest.mark.parametrize("name", HOSTS)


def plain(name):
    return contrastive_plain(HOSTS[name], WIDTH)


def stepped(mixing, net, model, state, recipe):
    """The member after one step of plain SGD."""
    method = Method(mixing, *methods.make(methods.Axes())[1:])
    member = Member(model, sgd().init(model.params), States(state, {}, {}))
    return make_step(method, net, sgd())(member, Inputs(views(), views(), recipe, numbers()), 0)[0]


def test_simclr_s_losses_are_those_of_the_paper():
    net, model, state = started(plain("simclr"))
    batch = views()
    found, _ = plain("simclr").losses(state, numbers(), {}, net, model, batch)
    z = embed(net, model, torch.cat([batch.x, batch.view]))[0].numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-12)
    powers = np.exp(z @ z.T / TEMPERATURE)
    np.fill_diagonal(powers, 0)
    each = [-np.log(powers[i, (i + 6) % 12] / powers[i].sum()) for i in range(12)]
    np.testing.assert_allclose(found.value, (np.array(each[:6]) + each[6:]) / 2, rtol=1e-8)


def test_moco_s_losses_are_those_of_the_paper():
    net, model, state = started(plain("moco"))
    batch = views()
    found, _ = plain("moco").losses(state, numbers(), {}, net, model, batch)
    q, k = embed(net, model, batch.x)[0].numpy(), embed(net, state["encoder"], batch.view)[0].numpy()
    own, others = np.exp((q * k).sum(1) / TEMPERATURE), np.exp(q @ state["queue"].numpy().T / TEMPERATURE)
    np.testing.assert_allclose(found.value, -np.log(own / (own + others.sum(1))), rtol=1e-8)


def test_features_become_embeddings_through_two_layers():
    params = {
        "projection.first.weight": torch.tensor([[1.0, -1.0], [2.0, 0.0]]),
        "projection.first.bias": torch.tensor([0.0, 1.0]),
        "projection.last.weight": torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        "projection.last.bias": torch.tensor([3.0, -1.0]),
    }
    np.testing.assert_allclose(projected(params, torch.tensor([[1.0, 2.0]])), [[3 / 13**0.5, 2 / 13**0.5]], rtol=1e-6)


def test_moco_s_keys_enter_the_queue_and_the_average_follows_after_the_step():
    net, model, state = started(plain("moco"))
    after = stepped(plain("moco"), net, model, state, {})
    keys, buffers = keys_of(state["encoder"], net, views().view)
    found = after.states.mixing
    torch.testing.assert_close(found["queue"], torch.cat([keys, state["queue"]])[:QUEUE])
    for key, old in state["encoder"].params.items():
        torch.testing.assert_close(found["encoder"].params[key], MOMENTUM * old + (1 - MOMENTUM) * after.model.params[key])
    assert gap(found["encoder"].buffers, buffers) == 0
    assert gap(after.model.params, model.params) > 1e-4
    assert followed(model, after.model, {}, 1.0).params.keys() == model.params.keys()


def test_no_gradient_reaches_moco_s_average_or_queue():
    net, model, state = started(plain("moco"))

    def risk(params, encoder, queue):
        given = {"encoder": Model(encoder, state["encoder"].buffers), "queue": queue}
        return plain("moco").losses(given, numbers(), {}, net, Model(params, model.buffers), views())[0].mean()

    own, of_average, of_queue = grad(risk, argnums=(0, 1, 2))(model.params, state["encoder"].params, state["queue"])
    assert zero(of_average)
    assert not zero(of_queue)  # no weight: it is renewed by `adapt` alone
    assert {key for key, leaf in own.items() if zero(leaf)} == {"head.weight", "head.bias"}


@every_host
def test_running_statistics_move_once_a_step(name):
    net, model, state = started(plain(name))
    after = stepped(plain(name), net, model, state, {})
    counts = [leaf for key, leaf in after.model.buffers.items() if key.endswith("num_batches_tracked")]
    assert counts == [1, 1, 1]


@every_host
def test_what_is_judged_has_no_projection_head(name):
    net, model, state = started(plain(name))
    assert plain(name).deploy(state, model).params.keys() == net.init(streams(0)).params.keys()
    assert model.params.keys() > net.init(streams(0)).params.keys()

import io
import pickle

import numpy as np
import pytest
import torch
from torch.func import grad

from tests.trainables.mixing.small import cnn, counted, gap, hyper, model_of, pictures, recipe_of, started, stepped, zero
from trainables.axes import Model
from trainables.draws import streams
from trainables.mixing.frozen import read_mixer, samix_p, write_mixer
from trainables.mixing.samix import automix, samix


@pytest.fixture
def stored(tmp_path):
    """The file of a mixer, and the state it was written from."""
    _, state = started(samix(), cnn())
    target = tmp_path / "mixer.npz"
    write_mixer(state, str(target))
    return str(target), state


def begun(mixing, net):
    model = mixing.grow(streams(5), net, model_of(net, 5))
    return model, mixing.init(streams(5), hyper(), net, model)


def test_what_is_written_is_read(stored):
    path, state = stored
    found = read_mixer(path)
    assert gap(found["mixer"], state["mixer"]) == 0
    assert gap(found["encoder"], state["encoder"]) == 0


def test_the_classifier_sees_the_pictures_that_samix_would_make(stored):
    path, state = stored
    net, mixing, batch = cnn(), samix_p(path), pictures()
    _, given = begun(mixing, net)
    recipe = recipe_of(mixing, net)
    assert recipe.keys() == {"ratio", "partner"}
    theirs, ours = (side.show(one, hyper(), recipe, net, batch) for side, one in ((samix(), state), (mixing, given)))
    assert gap(theirs, ours) == 0


def test_mixer_and_encoder_stay_as_they_are_and_have_no_gradient(stored):
    net, mixing = cnn(), samix_p(stored[0])
    model, state = begun(mixing, net)
    recipe = recipe_of(mixing, net, ratio=0.4)
    after = stepped(mixing, net, model, state, recipe)
    assert gap(after.states.mixing, state) == 0
    assert gap(after.model, model) > 1e-4

    def risk(encoder, weights):
        given = {"encoder": Model(encoder, state["encoder"].buffers), "mixer": weights}
        return mixing.losses(given, hyper(), recipe, net, model, pictures())[0].mean()

    assert zero(grad(risk, argnums=(0, 1))(state["encoder"].params, state["mixer"]))


def test_only_the_classifier_s_passes_remain(stored):
    net, passes = counted(cnn())
    mixing = samix_p(stored[0])
    model, state = begun(mixing, net)
    stepped(mixing, net, model, state, recipe_of(mixing, net))
    assert len(passes) == 2


def test_what_is_evaluated_is_the_trained_network(stored):
    net, mixing = cnn(), samix_p(stored[0])
    model, state = begun(mixing, net)
    deployed = mixing.deploy(state, model)
    assert deployed.params.keys() == net.init(streams(0)).params.keys()
    assert all(torch.equal(leaf, model.params[key]) for key, leaf in deployed.params.items())


def test_the_encoder_may_know_other_classes(stored):
    net = cnn()._replace(classes=3)
    model = samix_p(stored[0]).grow(streams(0), net, model_of(net))
    fewer = {key: leaf[:2] if key.startswith("head") else leaf for key, leaf in model.params.items()}
    state = samix_p(stored[0]).init(streams(0), hyper(), net, Model(fewer, model.buffers))
    assert state["encoder"].params["head.weight"].shape[0] == 3


def test_without_a_file_the_mixer_is_a_need_and_a_start_is_refused():
    assert samix_p().needs == {"image", "spatial", "mixer"}
    assert samix_p("given.npz").needs == {"image", "spatial"}
    with pytest.raises(ValueError, match="samix-p needs `mixer`"):
        begun(samix_p(), cnn())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.npz must be a mixer as frozen\.write_mixer makes it"):
        read_mixer(str(tmp_path / "absent.npz"))


@pytest.mark.parametrize("what", ["text", "torn", "one array", "other arrays", "pickle"])
def test_a_file_of_something_else_is_refused(tmp_path, stored, what):
    path, buffer = tmp_path / "wrong.npz", io.BytesIO()
    if what == "one array":
        np.save(buffer, np.zeros(3))
    elif what == "other arrays":
        np.savez(buffer, weights=np.zeros(3))
    elif what == "pickle":
        np.savez(buffer, allow_pickle=True, **{"mixer|query.weight": np.array([Unpickled()], dtype=object)})
    elif what == "torn":
        with open(stored[0], "rb") as whole:  # noqa: PTH123  a plain read
            buffer.write(whole.read()[:-100])
    else:
        buffer.write(b"no mixer at all")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match=r"must (be a mixer|hold an encoder and a mixer)"):
        read_mixer(str(path))


class Unpickled:
    """Tells when somebody unpickles it."""

    def __reduce__(self):
        return pickle.loads, (pickle.dumps(None),)


def test_an_encoder_of_another_net_is_refused(stored):
    with pytest.raises(ValueError, match=r"must fit the net; mixer\.key\.bias, .* do not: take the net they were trained with"):
        begun(samix_p(stored[0]), cnn(width=6))


def test_automix_mixer_is_refused(tmp_path):
    _, state = started(automix(), cnn())
    write_mixer(state, str(tmp_path / "automix.npz"))
    with pytest.raises(ValueError, match=r"must fit the net; mixer\.key"):
        begun(samix_p(str(tmp_path / "automix.npz")), cnn())

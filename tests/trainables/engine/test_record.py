"""What a recording notes of a function."""

import torch

from trainables.engine.record import Call, places, record, replaced

aten = torch.ops.aten
X = torch.arange(6.0).reshape(2, 3)


def operators(recording):
    return [str(call.operator) for call in recording.calls]


def test_operations_are_noted_in_order_with_where_their_tensors_lie():
    result, recording = record(lambda x: (2 * x).sum(0), X)
    assert operators(recording) == ["aten.mul.Tensor", "aten.sum.dim_IntList"]
    product, total = recording.calls
    assert product.args == (recording.inputs[0], 2)
    assert total.args == (product.out[0], (0,))
    assert recording.outputs == [total.out[0]]
    assert recording.outputs[0].shape == (3,)
    assert torch.equal(result, 2 * X.sum(0))


def test_a_view_lies_in_the_storage_of_what_it_views():
    _, recording = record(lambda x: x.t()[1:], X)
    view = recording.outputs[0]
    assert view == recording.inputs[0]._replace(shape=(2, 2), strides=(1, 3), offset=1)


def test_a_mapped_and_differentiated_function_is_noted_as_plain_batched_operations():
    def loss(w, x):
        return (w * x).sin().sum()

    batched = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))
    result, recording = record(batched, X[0], X)
    assert torch.allclose(result, X * (X[0] * X).cos())
    assert all(place.storage in recording.storages for call in recording.calls for place in places(call.args))
    assert recording.outputs[0].shape == (2, 3)


def test_tensors_from_elsewhere_are_held_and_intermediate_ones_are_not():
    elsewhere = torch.ones(3)
    _, recording = record(lambda x: ((x + elsewhere) * 2).exp(), X)
    held = list(recording.held.values())
    assert len(held) == 2
    assert held[0] is X
    assert held[1] is elsewhere


def test_memory_given_back_and_out_again_is_not_taken_for_the_same():
    def busy(x):
        for _ in range(50):
            x = x + 1
        return x

    _, recording = record(busy, torch.zeros(1000))
    assert len({place.storage for call in recording.calls for place in call.out}) == 50


def test_what_an_operation_writes_into_is_known_even_where_its_schema_conceals_it():
    def normalised(x, mean, var):
        mean.mul_(1)
        return torch.native_batch_norm(x, None, None, mean, var, True, 0.1, 1e-5)[0]

    _, recording = record(normalised, X, torch.zeros(3), torch.ones(3))
    in_place, norm = recording.calls
    _, mean, var = (place.storage for place in recording.inputs)
    assert in_place.changes == {mean}
    assert norm.changes == {mean, var}


def test_a_tensor_given_another_shape_in_place_keeps_its_numbers():
    _, recording = record(lambda x: (x[:, None] * 1).squeeze_(1), X)
    assert recording.outputs[0].shape == (2, 3)
    assert all(not call.changes for call in recording.calls)


def test_places_are_found_and_replaced_however_nested():
    _, recording = record(lambda x: torch.cat([x, x]), X)
    (call,) = recording.calls
    here = recording.inputs[0]
    assert list(places(call.args)) == [here, here]
    assert replaced(call.args, lambda place: "here") == (("here", "here"),)
    assert isinstance(call, Call)

"""Programs with fewer operations that compute the same; what they compute is held in test_replay."""

import torch

from trainables.engine.record import record
from trainables.engine.simplify import simplified

X = torch.arange(6.0).reshape(2, 3)


def program(function, *inputs):
    _, recording = record(function, *inputs)
    return simplified(recording)


def names(calls):
    return [call.operator._schema.name.removeprefix("aten::") for call in calls]


def test_views_take_no_call():
    assert names(program(lambda x: x.t().reshape(2, 3).t().exp(), X).each) == ["clone", "exp"]


def test_what_does_not_depend_on_the_inputs_is_done_once():
    found = program(lambda x: x * torch.arange(3).to(x.dtype) + torch.zeros_like(x), X)
    assert names(found.once) == ["arange", "_to_copy", "zeros_like"]
    assert names(found.each) == ["addcmul"]


def test_zeros_that_are_written_into_are_made_anew_each_time():
    found = program(lambda x: torch.zeros(2, 3).add_(x), X)
    assert names(found.each) == ["zeros", "add_"]
    assert not found.once


def test_what_comes_to_nothing_is_left_out():
    assert names(program(lambda x: (x.exp().sum(), x.sin())[1], X).each) == ["sin"]


def test_what_is_done_twice_is_done_once():
    found = program(lambda x: x.exp().sum() * x.exp().mean(), X)
    assert names(found.each).count("exp") == 1


def test_what_has_been_written_into_in_between_is_done_again():
    def function(x):
        first = x.clone()
        before = first.exp()
        first.add_(1)
        return before * first.exp()

    assert names(program(function, X).each).count("exp") == 2


def test_a_product_is_added_where_it_is_made():
    assert names(program(lambda x, y: x + y * y, X, X + 1).each) == ["addcmul"]
    assert names(program(lambda x, y: y * y + x, X, X + 1).each) == ["addcmul"]
    assert names(program(lambda x, y: x - y * y, X, X + 1).each) == ["addcmul"]
    assert names(program(lambda x, y: x + 0.9 * y, X, X + 1).each) == ["add"]
    assert names(program(lambda x, y: x - 0.9 * y, X, X + 1).each) == ["sub"]


def test_a_product_stays_apart_where_that_would_be_wrong_or_dearer():
    assert names(program(lambda x, y: y * y - x, X, X + 1).each) == ["mul", "sub"]
    assert names(program(lambda x, y: (y * y, x + y * y), X, X + 1).each) == ["mul", "add"]
    assert names(program(lambda x, y: x + y[0] * y[0], X, X + 1).each) == ["mul", "add"]
    assert names(program(lambda x, y: x + y * y, X.long(), X.long()).each) == ["mul", "add"]
    assert names(program(lambda x, y: x + y * y, X.double(), X).each) == ["mul", "add"]

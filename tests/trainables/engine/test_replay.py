"""A replayed function computes what the function computes, time after time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import grad_and_value, vmap

from trainables import tree
from trainables.engine import kernels
from trainables.engine.replay import Tape

A = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(3, 4)
B = torch.linspace(0.5, 1, 12, dtype=torch.float64).reshape(3, 4)


def momentum(state, x):
    velocity = 0.9 * state["v"] + (state["w"] - x)
    return {"w": state["w"] - 0.1 * velocity, "v": velocity}, {"norm": velocity.norm()}


def exchanged(state, x):
    return {"w": state["v"] + x, "v": state["w"]}, {"sum": x.sum()}


def untouched(state, x):
    return {"w": state["w"], "v": state["v"] * x}, {"same": state["w"], "input": x, "part": x[0]}


def written_into(state, x):
    total = torch.zeros_like(x)
    total.add_(x).mul_(2)
    column = total[:, 1]
    column.copy_(state["w"][:, 0])
    return {"w": total + state["v"], "v": state["v"].clone().index_put_((torch.tensor([0, 2]),), x[:2])}, {"total": total}


def reshaped(state, x):
    tall = (x[:, None] * state["w"][:, None]).squeeze_(1).t_()
    return {"w": tall.t().contiguous(), "v": (state["v"] @ tall).expand(3, 3)[:, :1].expand(3, 4)}, {"view": tall.t()[1]}


def sorted_and_chosen(state, x):
    value, order = (state["w"] + x).flatten().sort()
    low = torch.where(value < value.median(), value, 0.0).cumsum(0)
    return {"w": low.reshape(3, 4), "v": x.gather(1, x.argsort(1))}, {"order": order, "topk": value.topk(3).values}


def normalised(state, x):
    mean, var = torch.zeros(4, dtype=x.dtype), state["v"][0].abs() + 1
    y = torch.nn.functional.batch_norm(x * state["w"], mean, var, training=True)
    again = torch.nn.functional.batch_norm(x * state["w"], mean, var, training=True)
    return {"w": y + again, "v": torch.stack([mean, var, mean + var])}, {"mean": mean}


def shuffled(state, x):
    from_behind = x.argsort(1) - 4
    chosen = vmap(lambda row, order: row[order])(state["w"], from_behind)
    pairs = vmap(lambda rows, order: rows[order])(torch.stack([x, state["v"], x + 1], 1), from_behind[:, :2] + 2)
    return {"w": chosen, "v": pairs.flatten(1)[:, :4]}, {"transposed": vmap(lambda row, order: row[order])(x.t(), x.argsort(0).t() % 3)}


def mapped(state, x):
    def one(w, v, row):
        def loss(at):
            return (torch.tanh(at * row) * v).sum()

        slope, value = grad_and_value(loss)(w)
        there, _ = grad_and_value(loss)(w + 0.1 * slope / (slope.norm() + 1e-12))
        return w - 0.1 * there, v + 0 * v.sum(), value

    w, v, value = vmap(one)(state["w"], state["v"], x)
    return {"w": w, "v": v}, {"value": value}


FUNCTIONS = [momentum, exchanged, untouched, written_into, reshaped, sorted_and_chosen, normalised, shuffled, mapped]
functions = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


def same(left, right):
    pairs = list(zip(tree.leaves(left), tree.leaves(right), strict=True))
    return all(one[0] == other[0] and torch.allclose(one[1], other[1], rtol=1e-12, atol=1e-14) for one, other in pairs)


@functions
def test_every_call_does_what_the_function_does(function):
    state = {"w": A.clone(), "v": B.clone()}
    expected = state
    tape = Tape(function, state, A + B)
    assert same(state, {"w": A, "v": B})
    state = tree.map(torch.clone, state)
    replayed = tape.bound(state)
    for number in range(4):
        x = (number + 1) * A - B
        expected, more = function(tree.map(torch.clone, expected), x)
        for target in tape.reads.values():
            target.copy_(x)
        found = replayed()
        assert same(found, more), number
        assert same(state, expected), number


@functions
def test_one_tape_serves_states_that_are_parts_of_a_larger_one(function):
    whole = {"w": torch.stack([A, B, 2 * A]), "v": torch.stack([B, A + 1, B - 1])}
    parts = [{name: leaf[index] for name, leaf in whole.items()} for index in range(3)]
    expected = [function(tree.map(torch.clone, part), A)[0] for part in parts]
    tape = Tape(function, parts[0], A)
    for part in parts:
        tape.bound(part)()
    for index in range(3):
        assert same({name: leaf[index] for name, leaf in whole.items()}, expected[index])


@functions
def test_state_that_is_part_of_a_larger_one_is_renewed_in_no_more_operations(function):
    alone = {"w": A.clone(), "v": B.clone()}
    part = {"w": torch.stack([B, A])[1], "v": torch.stack([A, B, A])[1]}
    taken = [len(Tape(function, state, A).bound(state).commands) for state in (alone, part)]
    assert taken[0] == taken[1]


def test_what_a_tape_does_not_read_need_not_be_filled():
    tape = Tape(lambda state, seen: (state * seen["used"], seen["idle"].shape[0] * state), A.clone(), {"used": B, "idle": A})
    assert set(tape.reads) == {"used"}


def test_inputs_that_are_one_tensor_are_filled_once():
    tape = Tape(lambda state, seen: (state * seen[0] + seen[1], state), A.clone(), (B, B))
    assert list(tape.reads) == ["0"]


def test_a_replay_that_goes_wrong_is_refused(monkeypatch):
    monkeypatch.setitem(kernels.ARITHMETIC, torch.ops.aten.mul.Tensor, torch.div)
    with pytest.raises(ValueError, match="0/v must be replayed as recorded; the largest difference is"):
        Tape(lambda state, x: ({"w": state["w"], "v": (state["v"] * x).sin()}, {}), {"w": A, "v": B}, A + B)


def test_numbers_that_are_not_finite_are_replayed_as_such():
    broken = A.clone()
    broken[0, 0], broken[1, 1] = float("nan"), float("inf")
    state = broken.clone()
    Tape(lambda state, x: (state * x, state.sum(1)), state, B).bound(state)()
    assert torch.equal(state.isnan(), (broken * B).isnan())
    assert state[1, 1] == float("inf")


STEPS = [
    lambda a, b: a + b * b,
    lambda a, b: b * a - b,
    lambda a, b: a - 0.5 * b,
    lambda a, b: (a.t() @ b) @ a.t(),
    lambda a, b: torch.where(a > b, a, b).clamp(-2, 2),
    lambda a, b: a.clone().mul_(b),
    lambda a, b: torch.cat([a[:2], b[2:]]),
    lambda a, b: a * a.mean(0) + b.sum() / 100,
    lambda a, b: torch.softmax(a, 0) + b.roll(1, 0),
    lambda a, b: b,
]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_programs_put_together_at_random_are_replayed_right(made_of):
    square = A[:, :3].contiguous()

    def function(state, x):
        values = [state["w"], state["v"], x, x + state["w"]]
        for step, left, right in made_of:
            new = STEPS[step](values[left], values[right])
            values = [*values[1:], new.t() if new.shape == (3, 3) and step == 3 else new]
        return {"w": values[-1] / (1 + values[-1].abs().max()), "v": values[-2] / (1 + values[-2].abs().max())}, {"last": values[0]}

    state = {"w": square.clone(), "v": square.flip(0).clone()}
    expected = tree.map(torch.clone, state)
    tape = Tape(function, state, square)
    replayed = tape.bound(state)
    for number in range(3):
        for target in tape.reads.values():
            target.copy_(square + number)
        expected, more = function(tree.map(torch.clone, expected), square + number)
        assert same(replayed(), more)
        assert same(state, expected)

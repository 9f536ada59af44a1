import itertools
import math

import numpy as np
import pytest
import torch

from tests.trainables.perturbation.problems import first_state, flat, numbers, objective, real, step
from trainables import methods, nets, tree
from trainables.axes import Batch, Losses, Method, Model, keep
from trainables.crossentropy import cross_entropy, one_hot
from trainables.draws import stream, streams
from trainables.engine.group import start
from trainables.engine.step import Inputs, make_step
from trainables.optimizer import sgd
from trainables.perturbation import ascent
from trainables.perturbation.descent import binary, decomposed, sensitive, whole
from trainables.perturbation.lets import HYPERGRADIENTS, POSITIVITIES, clamped, gap, lets
from trainables.perturbation.named import asam, lets_asam, lets_sam, sam
from trainables.perturbation.radius import ASAM_RHO, SAM_RHO
from trainables.perturbation.sharpness import sharpness

EXACT = {"rel": 1e-10, "abs": 1e-14}
ONE = numbers(rho=0.1, radius_step=0.1, lr=0.1)
ASCENTS = {"sam": (ascent.sam, SAM_RHO, sam, lets_sam), "asam": (ascent.asam, ASAM_RHO, asam, lets_asam)}


def radius_of(perturbation, state, hyper):
    return perturbation.watch(state, hyper, NO_TRANSITION)["radius"].item()


def parabola():
    """L_train = w^2 and L_probe = (w + 1)^2 / 2 in one dimension."""
    return objective(lambda params: params["w"] ** 2), objective(lambda params: (params["w"] + 1) ** 2 / 2)


def lesson(hypergradient, positivity, hyper=ONE, *, shift=0.0):
    """The radius after one step on the parabola from w = 1."""
    train, probe = parabola()
    moved = objective(lambda params: probe.losses(params)[0].value + shift)
    perturbation = lets_sam(hypergradient, positivity)
    _, state, transition = step(perturbation, hyper, train, {"w": real([1.0])}, probe=moved)
    return perturbation.watch(state, hyper, transition)["radius"].item()


def slope(hypergradient, **changes):
    """dJ/drho on the parabola, read off the clamped step."""
    return (0.1 - lesson(hypergradient, "clamp", **changes)) / 0.1


@pytest.mark.parametrize(("hypergradient", "value"), [("exact", -0.0429352), ("diagonal", -0.103903184)])
def test_the_hypergradient_is_the_one_worked_by_hand(hypergradient, value):
    assert slope(hypergradient) == pytest.approx(value, abs=1e-12)


def test_the_gap_is_that_of_probe_over_training_batch_at_the_new_weights():
    train, probe = parabola()
    _, _, transition = step(lets_sam(), ONE, train, {"w": real([1.0])}, probe=probe)
    difference, value = gap(transition)
    assert transition.after.params["w"].item() == pytest.approx(0.78, **EXACT)
    assert value.item() == pytest.approx(0.9758, **EXACT)
    assert value.item() ** 2 / 2 == pytest.approx(0.47609282, **EXACT)  # J, which its derivative alone is computed of
    assert difference["w"].item() == pytest.approx(1.78 - 1.56, **EXACT)


@pytest.mark.parametrize(
    ("hypergradient", "positivity", "radius"),
    [
        ("exact", "clamp", 0.10429352),
        ("diagonal", "clamp", 0.1103903184),
        ("exact", "exponential-plain", 0.1000429444),
        ("diagonal", "exponential-plain", 0.1001039572),
    ],
)
def test_the_radius_after_a_lesson_is_the_one_worked_by_hand(hypergradient, positivity, radius):
    assert lesson(hypergradient, positivity) == pytest.approx(radius, abs=6e-11)


@pytest.mark.parametrize("hypergradient", HYPERGRADIENTS)
def test_a_gap_of_the_other_sign_turns_the_lesson_round(hypergradient):
    assert slope(hypergradient, shift=-2 * 0.9758) == pytest.approx(-slope(hypergradient), **EXACT)


def test_the_first_lesson_of_adam_moves_the_logarithm_by_one_step_against_the_slope():
    assert lesson("exact", "exponential") == pytest.approx(0.1 * math.exp(0.1), **EXACT)
    assert lesson("exact", "exponential", shift=-2.0) == pytest.approx(0.1 * math.exp(-0.1), **EXACT)


def test_lessons_on_the_logarithm_are_adams():
    slopes = [3e-3, -1e-3, 2e-2, 0.0, -5e-4, 1e-3]
    kept, hyper = POSITIVITIES["exponential"], numbers(rho=0.3, radius_step=0.05)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    reference = torch.optim.Adam([shift], lr=0.05, eps=1e-300)
    state = kept.start(hyper)
    for value in slopes:
        shift.grad = real(value) * (0.3 * shift.detach().exp())
        reference.step()
        state = kept.step(state, hyper, real(value))
        assert kept.read(state, hyper).item() == pytest.approx(0.3 * math.exp(shift.item()), **EXACT)


def test_a_slope_far_below_adams_usual_floor_still_moves_the_radius_in_single_precision():
    kept, hyper = POSITIVITIES["exponential"], {"rho": torch.tensor(0.05), "radius_step": torch.tensor(0.01)}
    state = kept.step(kept.start(hyper), hyper, torch.tensor(-1e-25))
    assert kept.read(state, hyper).item() == pytest.approx(0.05 * math.exp(0.01), rel=1e-5)


def test_a_clamped_radius_stops_at_its_floor_or_where_it_began_below():
    kept = clamped()
    for rho, floor in ((0.1, 1e-4), (1e-5, 1e-5)):
        hyper = numbers(rho=rho, radius_step=1.0)
        assert kept.step(kept.start(hyper), hyper, real(1e6))["radius"].item() == pytest.approx(floor, **EXACT)


@pytest.mark.parametrize("hypergradient", HYPERGRADIENTS)
@pytest.mark.parametrize("positivity", POSITIVITIES)
def test_the_same_batch_as_probe_leaves_the_radius_to_the_last_bit(hypergradient, positivity):
    problem = waves(0)
    perturbation, hyper = lets_asam(hypergradient, positivity), numbers(rho=0.3, radius_step=1.0, lr=0.1)
    params, state = two_tensors(), None
    for _ in range(3):
        params, state, transition = step(perturbation, hyper, problem, params, state=state, probe=problem)
        assert perturbation.watch(state, hyper, transition)["radius"].item() == 0.3


def waves(number, risk=Losses.mean):
    """Six losses of two tensors, nowhere quadratic."""
    mix = torch.from_numpy(stream(number, "waves").normal(size=(6, 5)))

    def values(params):
        hidden = mix @ torch.cat([params["a.weight"].flatten(), params["b.bias"]])
        return torch.log1p(hidden.exp()) + torch.sin(hidden) ** 2

    return objective(values, risk=risk, unmixed=lambda params: values(params) * 1.5)


def two_tensors():
    return {"a.weight": real([[0.3, -1.2], [0.7, 0.4]]), "b.bias": real([0.9])}


def halved_gap(train, probe, params):
    return ((probe.losses(params)[0].mean() - train.losses(params)[0].mean()) ** 2 / 2).item()


def central(function, at, width=1e-4):
    """The derivative of `function` by a five-point difference."""
    near = function(at + width) - function(at - width)
    far = function(at + 2 * width) - function(at - 2 * width)
    return (8 * near - far) / (12 * width)


@pytest.mark.parametrize("kind", ASCENTS)
@pytest.mark.parametrize("descent", [whole, binary, decomposed, sensitive])
def test_the_exact_hypergradient_is_the_finite_difference_through_the_step(kind, descent):
    def risk(losses):  # no plain mean: what is descended need not be what the gap is taken of
        return (losses.value**1.5 * losses.weight).sum()

    climb, knob, _, _ = ASCENTS[kind]
    train, plain, probe = waves(1, risk), waves(1), waves(2)
    hyper = numbers(rho=0.4, radius_step=1.0, lr=0.3, gamma=0.5)

    def objective_at(rho):
        after, _, _ = step(sharpness(climb(), lets(knob), descent()), hyper | numbers(rho=rho), train, two_tensors(), probe=probe)
        return halved_gap(plain, probe, after)

    perturbation = sharpness(climb(), lets(knob, "exact", "clamp"), descent())
    _, state, _ = step(perturbation, hyper, train, two_tensors(), probe=probe, plain=plain)
    expected = central(objective_at, 0.4)
    assert abs(expected) > 1e-3
    assert 0.4 - state["radius"].item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ASCENTS)
def test_the_squared_gradient_form_is_its_formula_over_two_tensors(kind):
    named = ASCENTS[kind][3]
    hyper = numbers(rho=0.2, radius_step=1e-3, lr=0.3)

    def train(params):
        return params["a.weight"] ** 2 + 3 * params["b.bias"]

    def probe(params):
        return 2 * params["a.weight"] + params["b.bias"] ** 3

    start_weights = {"a.weight": real([0.5]), "b.bias": real([-1.0])}
    _, state, _ = step(named("diagonal", "clamp"), hyper, objective(train), start_weights, probe=objective(probe))
    own = np.array([1.0, 3.0])
    size = np.array([0.51, 1.0]) if kind == "asam" else np.ones(2)
    direction = size**2 * own / np.linalg.norm(size * own)
    there = np.array([0.5, -1.0]) + 0.2 * direction
    gradient = np.array([2 * there[0], 3.0])
    a, b = np.array([0.5, -1.0]) - 0.3 * gradient
    gap = (2 * a + b**3) - (a**2 + 3 * b)
    difference = np.array([2 - 2 * a, 3 * b**2 - 3])
    slope = -0.3 * gap * (difference * gradient**2 * direction).sum()
    assert 0.2 - state["radius"].item() == pytest.approx(1e-3 * slope, **EXACT)


NO_TRANSITION = step(sam(), ONE, parabola()[0], {"w": real([1.0])})[2]


@pytest.mark.parametrize("kind", ASCENTS)
def test_only_the_last_of_every_few_steps_teaches_the_radius(kind):
    perturbation = ASCENTS[kind][3]("diagonal", "exponential", every=3)
    hyper = numbers(rho=0.2, radius_step=0.1, lr=0.1)
    params, state, seen = two_tensors(), None, [0.2]
    for turn in range(6):
        params, state, _ = step(perturbation, hyper, waves(1), params, state=state, probe=waves(2), turn=turn)
        seen.append(radius_of(perturbation, state, hyper))
    moved = [after != before for before, after in itertools.pairwise(seen)]
    assert moved == [False, False, True, False, False, True]


def test_a_radius_that_starts_at_zero_stays_there_on_the_logarithm():
    hyper = numbers(rho=0.0, radius_step=0.1, lr=0.1)
    perturbation = lets_sam()
    _, state, _ = step(perturbation, hyper, waves(1), two_tensors(), probe=waves(2))
    assert radius_of(perturbation, state, hyper) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hypergradient": "full"}, "hypergradient must be one of diagonal, exact, got 'full'"),
        ({"positivity": "relu"}, "positivity must be one of exponential, exponential-plain, clamp, got 'relu'"),
        ({"every": 0}, "every must be a number of steps from 1 up, got 0"),
    ],
)
def test_an_unknown_option_is_refused_with_those_there_are(options, message):
    with pytest.raises(ValueError, match=message):
        lets_sam(**options)


def test_the_radius_is_reported_and_starts_at_the_knob():
    for positivity in POSITIVITIES:
        perturbation = lets_sam(positivity=positivity)
        state = first_state(perturbation, numbers(rho=0.07), {"w": real([1.0])})
        assert radius_of(perturbation, state, numbers(rho=0.07)) == 0.07


# Through the engine: a net with batch norm, mixing, a criterion, momentum and decay.

NET = nets.build("mlp", (5,), 3, width=4, depth=1)
TRAINING = {"lr": 0.2, "weight_decay": 0.05, "label_smoothing": 0.1}


def batch(number, examples=8):
    generator = stream(number, "batch")
    x = torch.from_numpy(generator.normal(size=(examples, 5)))
    return Batch(x, x, torch.from_numpy(generator.integers(0, 3, examples)), torch.zeros(examples, dtype=torch.int64))


def run(method, values, steps=1, dtype=torch.float64, momentum=0.9):
    """Weights before each step, and the member after all of them, on fixed batches and probes."""
    hyper = {name: torch.tensor(value, dtype=dtype) for name, value in values.items()}
    optimizer = sgd(momentum)
    advance, member = make_step(method, NET, optimizer), start(method, NET, optimizer, 0, hyper)
    recipes = method.draw(streams(7), values, steps, 8, NET, member.model.params)
    before = []
    for turn in range(steps):
        before.append(member.model)
        recipe = {name: leaf[turn].to(dtype) if leaf.is_floating_point() else leaf[turn] for name, leaf in recipes.items()}
        examples, probe = (seen._replace(x=seen.x.to(dtype), clean=seen.x.to(dtype)) for seen in (batch(turn), batch(100 + turn)))
        member, _ = advance(member, Inputs(examples, probe, recipe, hyper), turn)
    return before, member


def plain_loss(model, seen):
    logits, _ = NET.apply(model, seen.x, keep)
    return cross_entropy(logits, one_hot(seen.y, 3, torch.float64)).mean()


@pytest.mark.parametrize("kind", ASCENTS)
def test_the_exact_hypergradient_holds_for_a_net_under_mixup_softad_momentum_and_decay(kind):
    axes = methods.Axes("mixup", f"lets-{kind}", "softad")
    method = methods.make(axes, hypergradient="exact", positivity="clamp")
    values = {knob.name: knob.default for knob in method.knobs} | TRAINING | {"rho": 0.5, "radius_step": 1.0}

    def objective_at(rho):
        _, member = run(method, values | {"rho": rho})
        loss = plain_loss(Model(member.model.params, member.model.buffers), batch(100)) - plain_loss(member.model, batch(0))
        return loss.item() ** 2 / 2

    _, member = run(method, values)
    expected = central(objective_at, 0.5)
    assert abs(expected) > 1e-7
    assert 0.5 - member.states.perturbation["radius"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ASCENTS)
@pytest.mark.parametrize("positivity", POSITIVITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_step_zero_the_weights_are_those_of_the_fixed_radius_to_the_last_bit(kind, positivity, dtype):
    fixed, learned = (methods.make(methods.Axes("mixup", name, "mean")) for name in (kind, f"lets-{kind}"))
    learned = Method(learned.mixing, ASCENTS[kind][3](positivity=positivity), learned.criterion)
    values = {knob.name: knob.default for knob in learned.knobs} | TRAINING | {"radius_step": 0.0}
    _, plain = run(fixed, values, steps=4, dtype=dtype)
    _, taught = run(learned, values, steps=4, dtype=dtype)
    for name, leaf in plain.model.params.items():
        assert torch.equal(leaf, taught.model.params[name])


def test_lessons_follow_one_another():
    """Three steps by hand: each lesson is read with the radius that the lesson before left."""
    perturbation, hyper = lets_sam("exact", "clamp"), numbers(rho=0.1, radius_step=0.5, lr=0.1)
    train, probe = parabola()
    weight, rho = 1.0, 0.1
    params, state = {"w": real([weight])}, None
    for _ in range(3):
        slope_there = 2 * (weight + rho * np.sign(weight))
        weight_after = weight - 0.1 * slope_there
        gap = (weight_after + 1) ** 2 / 2 - weight_after**2
        rho += 0.5 * 0.1 * gap * (weight_after + 1 - 2 * weight_after) * 2 * np.sign(weight)
        params, state, _ = step(perturbation, hyper, train, params, state=state, probe=probe)
        weight = weight_after
        assert flat(params) == pytest.approx([weight], **EXACT)
        assert state["radius"].item() == pytest.approx(rho, **EXACT)


def test_the_state_is_a_scalar_or_four_a_member():
    hyper = numbers(rho=0.1)
    sizes = {name: len(list(tree.leaves(kept.start(hyper)))) for name, kept in POSITIVITIES.items()}
    assert sizes == {"exponential": 4, "exponential-plain": 1, "clamp": 1}
    assert all(leaf.numel() == 1 for kept in POSITIVITIES.values() for _, leaf in tree.leaves(kept.start(hyper)))


@pytest.mark.parametrize("hypergradient", HYPERGRADIENTS)
def test_augmentation_of_the_training_batch_does_not_enter_the_gap(hypergradient):
    method = methods.make(methods.Axes("mixup", "lets-sam", "mean"), hypergradient=hypergradient)
    values = {knob.name: knob.default for knob in method.knobs} | TRAINING | {"radius_step": 0.1}
    hyper = {name: real(value) for name, value in values.items()}
    member = start(method, NET, sgd(), 0, hyper)
    recipe = {"ratio": real(0.3), "partner": torch.arange(7, -1, -1)}
    augmented, held_out = batch(0)._replace(x=batch(1).x), batch(0)
    taught, scalars = make_step(method, NET, sgd())(member, Inputs(augmented, held_out, recipe, hyper), 0)
    assert scalars["radius"].item() == 0.05
    assert "clean" in method.needs
    assert not torch.equal(taught.model.params["head.weight"], member.model.params["head.weight"])

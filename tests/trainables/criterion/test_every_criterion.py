"""What every criterion must keep, with every combination of its options."""

import itertools
from functools import partial

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import grad, vmap

from tests.trainables.criterion.worked import NET, VARIANTS, adapted, at, every_variant, finished, hyper, losses, risk_of, start, watched
from trainables import tree

TRANSFORMS = ("mean", "cvar-quantile", "chi2-dro-quantile", "tilted")
STEADY = [name for name in VARIANTS if "batch" not in name and name != "flooding" and not ("pointwise" in name and "quantile" in name)]
"""Where a larger loss never weighs less: no level for the batch as a whole, no pull on the loss that is the quantile."""
SPREAD = (0.07, 0.9, 2.3, 0.31, 1.4, 4.2, 0.55)
EXTREMES = (
    (1e-9, 1e4, 1e-9, 1.0, 1e4, 1e-3),
    (1e-9,) * 6,
    (1e4,) * 6,
    (0.0,) * 6,
    (1e-9,) * 5 + (1e4,),
    (1.0, 1.0 + 2**-23, 1.0, 1.0 + 2**-22, 1.0, 1.0),
)
EVEN, UNEVEN = (1 / 6,) * 6, (0.0, 0.5, 0.0, 0.25, 0.2, 0.05)
SINGLE = torch.float32
few = hypothesis.settings(max_examples=12)
fewer = hypothesis.settings(max_examples=5)
batches = st.lists(st.floats(0, 20), min_size=1, max_size=12)


def drawn(name, share):
    """Knob values at the given share of their search ranges."""
    knobs = VARIANTS[name]().knobs
    return {knob.name: knob.search[0] + share * (knob.search[1] - knob.search[0]) for knob in knobs}


@every_variant
def test_its_slopes_are_its_derivative(name):
    criterion = VARIANTS[name]()
    numbers = hyper(criterion)
    state = tree.map(lambda leaf: leaf + 0.4, start(criterion, numbers))
    value = losses(SPREAD).value.requires_grad_(requires_grad=True)
    flat = [leaf.requires_grad_(requires_grad=True) for _, leaf in tree.leaves(state)]

    def risk(value, *leaves):
        return criterion.risk({"threshold": leaves[0]} if leaves else {}, numbers, losses(SPREAD)._replace(value=value))

    assert torch.autograd.gradcheck(risk, (value, *flat))


@every_variant
def test_its_slopes_can_be_differentiated_in_turn(name):
    criterion = VARIANTS[name]()
    numbers = hyper(criterion)
    state, seen = tree.map(lambda leaf: leaf + 0.4, start(criterion, numbers)), losses(SPREAD)
    direction = losses((0.3, -1.0, 0.5, 0.2, -0.7, 1.1, -0.4)).value

    def slopes(value):
        return grad(lambda value: criterion.risk(state, numbers, seen._replace(value=value)))(value)

    curved = grad(lambda value: slopes(value) @ direction)(seen.value)
    step = 1e-5
    differences = (slopes(seen.value + step * direction) - slopes(seen.value - step * direction)) / (2 * step)
    assert torch.allclose(curved, differences, rtol=1e-5, atol=1e-8)


@every_variant
def test_an_example_of_twice_the_weight_is_the_example_twice(name):
    numbers = drawn(name, 0.4)
    values = (2.3, 0.31, 0.9, 0.05)
    weighted = at(VARIANTS[name](), values, (0.1, 0.4, 0.2, 0.3), **numbers)
    repeated = at(VARIANTS[name](), [values[i] for i in (0, 1, 1, 1, 1, 2, 2, 3, 3, 3)], **numbers)
    assert weighted.value == pytest.approx(repeated.value, rel=1e-9)
    slopes = np.add.reduceat(repeated.slopes, [0, 1, 5, 7])
    assert weighted.slopes == pytest.approx(slopes, rel=1e-9, abs=1e-12)


@every_variant
def test_an_example_without_weight_is_not_there(name):
    numbers = drawn(name, 0.4)
    without = at(VARIANTS[name](), SPREAD, **numbers)
    for stranger in (0.0, 0.9, 1e4):
        beside = at(VARIANTS[name](), (stranger, *SPREAD), (0.0, *[1 / 7] * 7), **numbers)
        assert beside.value == pytest.approx(without.value, rel=1e-9)
        assert beside.slopes == pytest.approx([0, *without.slopes], rel=1e-9, abs=1e-12)


@every_variant
def test_no_weight_at_all_gives_finite_slopes_of_0(name):
    seen = at(VARIANTS[name](), SPREAD, [0.0] * 7)
    assert np.isfinite(seen.value)
    assert seen.slopes == [0] * 7


@every_variant
def test_the_order_of_the_batch_does_not_matter(name):
    numbers = drawn(name, 0.6)

    @given(batches, st.randoms(use_true_random=False))
    @fewer
    def check(values, random):
        order = random.sample(range(len(values)), len(values))
        plain, turned = at(VARIANTS[name](), values, **numbers), at(VARIANTS[name](), [values[i] for i in order], **numbers)
        assert turned.value == pytest.approx(plain.value, rel=1e-9, abs=1e-9)
        assert turned.slopes == pytest.approx([plain.slopes[i] for i in order], rel=1e-7, abs=1e-7)

    check()


@every_variant
def test_both_ends_of_every_knob_stay_finite_on_extreme_losses_in_float32(name):
    criterion = VARIANTS[name]()
    ends = [{}, *({knob.name: end} for knob in criterion.knobs for end in (*knob.search, *knob.legal))]
    cases = list(itertools.product(EXTREMES, (EVEN, UNEVEN), ends))
    numbers = [hyper(criterion, end, SINGLE) for _, _, end in cases]
    seen = [losses(values, weights, SINGLE) for values, weights, _ in cases]
    states = [start(criterion, one) for one in numbers]
    found = vmap(partial(risk_of, criterion))(tree.stack(states), tree.stack(numbers) if criterion.knobs else {}, tree.stack(seen))
    for path, leaf in tree.leaves(found):
        assert leaf.dtype == SINGLE, path
        broken = [case for case, part in zip(cases, leaf, strict=True) if not part.isfinite().all()]
        assert not broken, (path, broken[:5])


@every_variant
def test_in_float32_it_keeps_the_digits_of_float64(name):
    numbers, criterion = drawn(name, 0.3), VARIANTS[name]()
    for values in (SPREAD, (1e-9, 1e4, 3.0, 1.0), tuple(np.linspace(0.01, 3, 96))):
        exact, single = at(criterion, values, **numbers), hyper(criterion, numbers, SINGLE)
        seen = risk_of(criterion, start(criterion, single), single, losses(values, dtype=SINGLE))
        assert seen["value"].item() == pytest.approx(exact.value, rel=1e-5)
        assert seen["slopes"].tolist() == pytest.approx(exact.slopes, rel=1e-3, abs=1e-5)


@every_variant
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_losses_are_computed_in_float32(name, half):
    criterion = VARIANTS[name]()
    values = (0.0001, 0.3, 2.0, 500.0, 6e4)  # squares overflow in float16
    seen = losses(values, dtype=half)
    numbers = hyper(criterion, dtype=half)
    state = start(criterion, numbers)
    wide, wide_numbers = tree.map(torch.Tensor.float, seen), tree.map(torch.Tensor.float, numbers)
    value = criterion.risk(state, numbers, seen)
    assert value.dtype == torch.float32
    assert value.item() == criterion.risk(state, wide_numbers, wide).item()
    assert all(leaf.dtype == torch.float32 for _, leaf in tree.leaves(state))
    after = criterion.adapt(state, numbers, NET, finished(seen))
    assert all(leaf.dtype == torch.float32 for _, leaf in tree.leaves(after))


@every_variant
def test_members_of_a_group_each_have_their_own_knobs(name):
    criterion = VARIANTS[name]()
    members = [hyper(criterion, drawn(name, share)) for share in (0.0, 0.3, 0.7, 1.0)]
    seen = [losses(np.roll(SPREAD, turn) + 0.1 * turn) for turn in range(4)]
    states = [tree.map(lambda leaf, turn=turn: leaf + 0.3 * turn, start(criterion, numbers)) for turn, numbers in enumerate(members)]
    together = vmap(partial(risk_of, criterion))(tree.stack(states), tree.stack(members), tree.stack(seen))
    for row, (state, numbers, batch) in enumerate(zip(states, members, seen, strict=True)):
        alone = risk_of(criterion, state, numbers, batch)
        for (path, one), (_, grouped) in zip(tree.leaves(alone), tree.leaves(together), strict=True):
            assert torch.allclose(one, grouped[row], rtol=1e-12, atol=1e-12), path


@every_variant
def test_it_learns_only_what_it_says(name):
    criterion = VARIANTS[name]()
    learns = "learned" in name
    assert (start(criterion, hyper(criterion)) != {}) == learns
    assert ("threshold_step" in {knob.name for knob in criterion.knobs}) == learns
    if learns:
        assert adapted(criterion, threshold=0.4) != 0.4
        assert adapted(criterion, threshold=0.4, threshold_step=0.0) == 0.4


def test_what_is_logged_is_the_threshold_that_moves_and_the_share_in_ascent():
    for name, make in VARIANTS.items():
        concentrated = name.split("-")[0] in ("flooding", "iflood", "softad", "concentration")
        moving = any(word in name for word in ("cvar", "chi2")) and ("learned" in name or "quantile" in name)
        assert set(watched(make())) == ({"ascending"} if concentrated else set()) | ({"threshold"} if moving else set()), name


@pytest.mark.parametrize("name", TRANSFORMS)
@given(values=batches, share=st.floats(0, 1), shift=st.floats(0, 5))
@few
def test_a_risk_lies_between_mean_and_maximum_and_moves_with_the_losses(name, values, share, shift):
    numbers = drawn(name, share)
    seen, moved = at(VARIANTS[name](), values, **numbers), at(VARIANTS[name](), [value + shift for value in values], **numbers)
    assert np.mean(values) - 1e-6 <= seen.value <= max(values) + 1e-6
    assert moved.value == pytest.approx(seen.value + shift, abs=1e-6)
    assert min(seen.slopes) >= -1e-9
    assert sum(seen.slopes) == pytest.approx(1)


@pytest.mark.parametrize("name", TRANSFORMS)
@given(values=batches, rises=st.lists(st.floats(0, 3), min_size=12, max_size=12), share=st.floats(0, 1))
@few
def test_a_risk_grows_with_every_loss(name, values, rises, share):
    numbers = drawn(name, share)
    raised = [value + rise for value, rise in zip(values, rises, strict=False)]
    assert at(VARIANTS[name](), raised, **numbers).value >= at(VARIANTS[name](), values, **numbers).value - 1e-7


@pytest.mark.parametrize("name", STEADY)
@given(values=batches, share=st.floats(0, 1))
@fewer
def test_a_larger_loss_has_at_least_as_large_a_weight(name, values, share):
    slopes = at(VARIANTS[name](), sorted(values), **drawn(name, share)).slopes
    assert min(np.diff(slopes), default=0) >= -1e-7


@pytest.mark.parametrize(("name", "knob"), [("cvar-quantile", "level"), ("chi2-dro-quantile", "chi2_radius"), ("tilted", "tilt")])
@given(values=batches, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@few
def test_a_risk_grows_with_the_knob_that_thins_its_tail(name, knob, values, shares):
    less, more = (at(VARIANTS[name](), values, **drawn(name, share)).value for share in sorted(shares))
    assert more >= less - 1e-7


@pytest.mark.parametrize("name", ["cvar-quantile", "chi2-dro-quantile"])
@given(values=batches, share=st.floats(0, 1), factor=st.floats(0.1, 10))
@few
def test_a_coherent_risk_scales_with_the_losses(name, values, share, factor):
    numbers = drawn(name, share)
    scaled = at(VARIANTS[name](), [factor * value for value in values], **numbers)
    assert scaled.value == pytest.approx(factor * at(VARIANTS[name](), values, **numbers).value, abs=1e-6)

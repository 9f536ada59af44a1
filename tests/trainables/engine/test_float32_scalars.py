"""Where a net is computed in bfloat16, what methods make of its losses is not: losses, risks and norms are float32 and as good as that."""

import functools

import pytest
import torch

from tests.contract.small import bench, numbers, preset
from tests.trainables.criterion.worked import VARIANTS, every_variant, hyper, losses, risk_of, start
from tests.trainables.perturbation.problems import objective
from trainables import methods, tree
from trainables.axes import Batch, Gradient, Losses
from trainables.crossentropy import cross_entropy, one_hot
from trainables.draws import stream, streams
from trainables.engine import group
from trainables.engine.precision import autocast
from trainables.engine.step import Inputs, make_step
from trainables.optimizer import sgd
from trainables.perturbation import ascent, descent, looksam, sharpdro

SINGLE, DOUBLE = torch.float32, torch.float64
HALF = functools.partial(torch.autocast, "cpu", dtype=torch.bfloat16)
VALUES = (0.003, 0.7, 2.3, 0.31, 1.4, 9.2, 0.55, 1.0001)
SIZE = 12


@every_variant
def test_a_criterion_under_autocast_keeps_the_digits_of_float64(name):
    criterion = VARIANTS[name]()
    seen, exact = losses(VALUES, dtype=SINGLE), losses(VALUES)
    found = [(SINGLE, seen), (DOUBLE, exact._replace(value=seen.value.double()))]
    with HALF():
        half, full = (
            risk_of(criterion, start(criterion, given), given, seen) for given, seen in ((hyper(criterion, dtype=d), s) for d, s in found)
        )
    for (path, one), (_, other) in zip(tree.leaves(half), tree.leaves(full), strict=True):
        assert one.dtype == SINGLE, path
        assert torch.allclose(one.double(), other, rtol=1e-5, atol=1e-6), path


def test_norms_projections_and_means_of_groups_under_autocast_keep_the_digits_of_float64():
    generator = stream(0, "norms")
    first, second = ({f"{name}.weight": generator.normal(size=shape) for name, shape in (("a", (40, 9)), ("b", (300,)))} for _ in range(2))
    seen, member = generator.exponential(size=64), one_hot(torch.arange(64) % 3, 3, SINGLE).numpy()

    def tilted(seen):
        return VARIANTS["tilted"]().risk({}, {"tilt": torch.tensor(1.0, dtype=seen.value.dtype)}, seen)

    def figures(dtype):
        left, right = ({name: torch.tensor(leaf, dtype=SINGLE).to(dtype) for name, leaf in one.items()} for one in (first, second))
        value = torch.tensor(seen, dtype=SINGLE).to(dtype)
        groups = torch.tensor(member, dtype=SINGLE).to(dtype)
        return {
            "norm": tree.norm(left),
            "dot": tree.dot(left, right),
            "steepest": ascent.steepest(left),
            "adaptive": ascent.adaptive(left, right),
            "orthogonal": descent.orthogonal(left, right),
            "ratio": looksam.ratio(tree.norm(left), tree.norm(right)),
            "part": descent.part_risk(
                objective(lambda params: params["a.weight"], risk=tilted), Losses(value, torch.full_like(value, 1 / 64)), value > 0.5
            ),
            "means": sharpdro.group_means(Losses(value, torch.full_like(value, 1 / 64)), groups),
            "raised": sharpdro.raised(value[:5].log(), value[5:10], value[:5] > 0.2),
            "entropy": cross_entropy(value.reshape(16, 4), torch.softmax(value.reshape(16, 4), 1)),
        }

    with HALF():
        half, full = figures(SINGLE), figures(DOUBLE)
    for (path, one), (_, other) in zip(tree.leaves(half), tree.leaves(full), strict=True):
        assert one.dtype == SINGLE, path
        assert torch.allclose(one.double(), other, rtol=1e-5, atol=1e-6), path


@pytest.mark.parametrize("name", methods.PRESETS)
def test_a_step_of_a_half_precision_net_has_float32_losses_risks_and_scalars(name):
    method, values = preset(name), numbers(preset(name))
    net = autocast(bench().net._replace(groups=2), "cpu")
    hyper = {key: torch.tensor(value) for key, value in {**values, "progress": 0.0}.items()}
    member = group.start(method, net, sgd(), 0, hyper)
    recipe = method.draw(streams(0, 0), values, 1, SIZE, net, member.model.params)
    now = tree.map(lambda leaf: leaf[0].float() if leaf.is_floating_point() else leaf[0], recipe)
    few = bench().data.train
    x = bench().data.prepare(few.x[:SIZE], SINGLE)
    batch = Batch(x, x, few.y[:SIZE], few.group[:SIZE], mates=x[:10])
    seen: dict[str, object] = {}

    def gradient(*given):
        seen["gradient"] = method.perturbation.gradients[0](*given)
        return seen["gradient"]

    spied = method._replace(perturbation=method.perturbation._replace(gradients=(gradient,)))
    after, scalars = make_step(spied, net, sgd())(member, Inputs(batch, batch, now, hyper), 0)
    held: Gradient = seen["gradient"]  # type: ignore[assignment]
    floats = [leaf.dtype for _, leaf in tree.leaves((after, scalars, held)) if leaf.is_floating_point()]
    assert set(floats) == {SINGLE}
    exact = tree.map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, (after.states.criterion, hyper, held.losses))
    assert scalars["risk"].item() == pytest.approx(method.criterion.risk(*exact).item(), rel=1e-5, abs=1e-6)
    assert scalars["train_loss"].item() == pytest.approx(exact[2].mean().item(), rel=1e-5)
    if "perturbed" in held.trace:
        there = tree.map(torch.Tensor.double, held.trace["perturbed"])
        assert scalars["sharpness"].item() == pytest.approx((there.mean() - exact[2].mean()).item(), rel=1e-5, abs=1e-6)

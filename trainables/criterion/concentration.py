"""Loss concentration: make a tail risk settle at a level instead of running down to 0."""

from collections.abc import Callable

from trainables.axes import Criterion
from trainables.criterion.chi2 import tail_spread
from trainables.criterion.cvar import tail_mean
from trainables.criterion.family import Concentration, Transform, batch, compose, pointwise
from trainables.criterion.mean import identity
from trainables.criterion.softad import pseudo_huber
from trainables.criterion.tilted import exponential
from trainables.knob import Knob

CONCENTRATION_LEVEL = Knob(
    "concentration_level",
    search=(0.0125, 0.4),
    default=0.1,
    legal=(0.0, 100.0),
    log=True,
    meaning="level (nats) at which the transformed losses are to settle: the paper's eta",
    source="Holland & Hamada 2024, the released runs [read]; default ours",
)
PENALTY = Knob(
    "penalty",
    search=(0.0, 1.0),
    default=1.0,
    legal=(0.0, 1.0),
    meaning="loss-concentration penalty: share of the concentration in the risk, beside the plain transform; 1 is the paper's criterion",
    source="ours",
)


def concentration(aggregate: str = "pointwise", transform: str = "cvar", threshold: str = "fixed") -> Criterion:
    """Loss concentration (COCE): a tail risk drawn to a level from both sides.

        risk = (1 - penalty) mean L + penalty C,    r(x) = sqrt(1 + x^2) - 1
        pointwise   C = mean r(L_i - concentration_level)
        batch       C = r(mean L - concentration_level) + concentration_level

    with L the losses as transformed, for CVaR L_i = theta + relu(l_i - theta) / (1 - level). The blend by `penalty` is ours.

    Args:
        aggregate: "pointwise" is the paper's form, "batch" the released code's.
        transform: "cvar" or "chi2" [read], "identity" or "tilted" [ours].
        threshold: "fixed" has theta at 0, as in the released runs; "quantile" is the automatic form; "learned" begins at 0 and steps down
            the risk's slope. Identity and tilted have no threshold.

    References:
        Holland & Hamada, "Making robust generalizers less rigid with loss concentration", 2024, arXiv 2408.03619, and its code [read].

    Raises:
        ValueError: If an option has no such value, or a threshold is to be learned for a transform that has none.
    """
    aggregates: dict[str, Concentration] = {
        "pointwise": pointwise(pseudo_huber, CONCENTRATION_LEVEL),
        "batch": batch(pseudo_huber, CONCENTRATION_LEVEL),
    }
    if aggregate not in aggregates:
        raise ValueError(f"aggregate must be one of {sorted(aggregates)}, got {aggregate!r}")
    return compose(_transform(transform, threshold), aggregates[aggregate], PENALTY)


def auto_concentration(aggregate: str = "pointwise", transform: str = "cvar") -> Criterion:
    """Automatic loss concentration (COCE-A): as `concentration`, with theta the batch's own quantile.

        risk = (1 - penalty) mean L + penalty C,    L_i = theta* + relu(l_i - theta*) / (1 - level)
        pointwise   C = mean r(L_i - concentration_level),    r(x) = sqrt(1 + x^2) - 1
        batch       C = r(mean L - concentration_level) + concentration_level

    Theta* is the threshold that minimises the transform on the batch, for CVaR its lower quantile; the
    gradient flows through it.

    Args:
        aggregate, transform: As in `concentration`.

    References:
        Holland & Hamada, 2024, arXiv 2408.03619, and its code, which has the batch form [read].

    Raises:
        ValueError: If an option has no such value.
    """
    return concentration(aggregate, transform, "quantile")


def _transform(name: str, threshold: str) -> Transform:
    transforms: dict[str, Callable[[str], Transform]] = {
        "identity": lambda kind: _without_threshold(name, kind, identity()),
        "cvar": tail_mean,
        "chi2": tail_spread,
        "tilted": lambda kind: _without_threshold(name, kind, exponential()),
    }
    if name not in transforms:
        raise ValueError(f"transform must be one of {sorted(transforms)}, got {name!r}")
    return transforms[name](threshold)


def _without_threshold(name: str, threshold: str, transform: Transform) -> Transform:
    if threshold not in ("fixed", "quantile"):
        raise ValueError(
            f"transform {name!r} has no threshold of its own, so threshold must be fixed or quantile, got {threshold!r}; try cvar"
        )
    return transform

"""Every training method by name.

Each axis has a table of strategies; a preset is a choice on the three axes. A strategy's factory may take options (`every: 4`): they
change what is computed, so all members of a group share them, and a study file gives them beside the knobs. Wherever a strategy is
named, `module:object` names one of the user's own.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trainables import own, plugin
from trainables.axes import Criterion, Method, Mixing, Perturbation
from trainables.criterion.chi2 import chi2_dro
from trainables.criterion.concentration import auto_concentration, concentration
from trainables.criterion.cvar import cvar
from trainables.criterion.flooding import flooding, iflood
from trainables.criterion.mean import mean
from trainables.criterion.softad import softad
from trainables.criterion.tilted import tilted
from trainables.mixing.cutmix import cutmix
from trainables.mixing.frozen import samix_p
from trainables.mixing.manifold import manifold_mixup
from trainables.mixing.mixup import mixup
from trainables.mixing.plain import plain
from trainables.mixing.samix import automix, samix
from trainables.mixing.synermix import synermix, synermix_intra, synermix_manifold
from trainables.perturbation.looksam import looksam
from trainables.perturbation.named import asam, bg_mix, dg_mix, esam, lets_asam, lets_sam, sam
from trainables.perturbation.sharpdro import sharpdro
from trainables.perturbation.unperturbed import unperturbed
from trainables.training import TRAINING_KNOBS

MIXINGS: dict[str, Callable[..., Mixing]] = {
    "none": plain,
    "mixup": mixup,
    "cutmix": cutmix,
    "manifold-mixup": manifold_mixup,
    "synermix": synermix,
    "synermix-intra": synermix_intra,
    "synermix-manifold": synermix_manifold,
    "automix": automix,
    "samix": samix,
    "samix-p": samix_p,
}
PERTURBATIONS: dict[str, Callable[..., Perturbation]] = {
    "none": unperturbed,
    "sam": sam,
    "asam": asam,
    "lets-sam": lets_sam,
    "lets-asam": lets_asam,
    "bg-mix": bg_mix,
    "dg-mix": dg_mix,
    "esam": esam,
    "looksam": looksam,
    "sharpdro": sharpdro,
}
CRITERIA: dict[str, Callable[..., Criterion]] = {
    "mean": mean,
    "flooding": flooding,
    "iflood": iflood,
    "softad": softad,
    "cvar": cvar,
    "chi2-dro": chi2_dro,
    "tilted": tilted,
    "concentration": concentration,
    "auto-concentration": auto_concentration,
}

TABLES: dict[str, dict[str, Callable[..., Any]]] = {"mixing": MIXINGS, "perturbation": PERTURBATIONS, "criterion": CRITERIA}
"""The strategies of each axis."""


class Axes(NamedTuple):
    """A choice on the three axes, by name."""

    mixing: str = "none"
    perturbation: str = "none"
    criterion: str = "mean"


PRESETS: dict[str, Axes] = {
    "erm": Axes(),
    "mixup": Axes(mixing="mixup"),
    "cutmix": Axes(mixing="cutmix"),
    "manifold-mixup": Axes(mixing="manifold-mixup"),
    "synermix": Axes(mixing="synermix"),
    "synermix-intra": Axes(mixing="synermix-intra"),
    "synermix-manifold": Axes(mixing="synermix-manifold"),
    "automix": Axes(mixing="automix"),
    "samix": Axes(mixing="samix"),
    "samix-p": Axes(mixing="samix-p"),
    "sam": Axes(perturbation="sam"),
    "asam": Axes(perturbation="asam"),
    "lets-sam": Axes(perturbation="lets-sam"),
    "lets-asam": Axes(perturbation="lets-asam"),
    "g-mix": Axes(mixing="mixup", perturbation="sam"),
    "bg-mix": Axes(mixing="mixup", perturbation="bg-mix"),
    "dg-mix": Axes(mixing="mixup", perturbation="dg-mix"),
    "esam": Axes(perturbation="esam"),
    "looksam": Axes(perturbation="looksam"),
    "sharpdro": Axes(perturbation="sharpdro"),
    "flooding": Axes(criterion="flooding"),
    "iflood": Axes(criterion="iflood"),
    "softad": Axes(criterion="softad"),
    "cvar": Axes(criterion="cvar"),
    "chi2-dro": Axes(criterion="chi2-dro"),
    "tilted": Axes(criterion="tilted"),
    "concentration": Axes(criterion="concentration"),
    "auto-concentration": Axes(criterion="auto-concentration"),
    "altiplano": Axes(mixing="mixup", perturbation="lets-asam", criterion="concentration"),
}


def preset(name: str) -> Axes:
    """The choice that a preset stands for: one of `PRESETS`, or a method that an installed package offers under this name.

    Raises:
        ValueError: If there is no such preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    spelled = plugin.spelled_out("method", name)
    if not plugin.is_named(spelled):
        raise ValueError(f"method must be one of {', '.join(PRESETS)}, or module:object, got {name!r}")
    return holding(spelled)


def holding(name: str, **chosen: object) -> Axes:
    """The choice that takes all it can from the user's `module:object`: one axis, or all three where it gives a whole method.

    Raises:
        ValueError: If there is no such object, or it is no strategy and no method.
    """
    return Axes(**dict.fromkeys(own.filled(name, **chosen), name))


def strategy(axis: str, name: str) -> Callable[..., Any]:
    """The factory of a strategy by its name on an axis.

    Raises:
        ValueError: If there is none.
    """
    if plugin.is_named(name):
        return own.strategy(axis, name)
    if name not in TABLES[axis]:
        raise ValueError(f"{axis} must be one of {', '.join(TABLES[axis])}, or module:object, got {name!r}")
    return TABLES[axis][name]


def factories(
    axes: Axes, mixings: Mapping[str, Callable[..., Mixing]] = MIXINGS
) -> tuple[Callable[..., Mixing], Callable[..., Perturbation], Callable[..., Criterion]]:
    """The factories behind a choice; `mixings` is the scenario's table of them.

    Raises:
        ValueError: If an axis has no such strategy.
    """
    mixing = mixings[axes.mixing] if axes.mixing in mixings else strategy("mixing", axes.mixing)
    return mixing, strategy("perturbation", axes.perturbation), strategy("criterion", axes.criterion)


def options(axes: Axes, mixings: Mapping[str, Callable[..., Mixing]] = MIXINGS) -> dict[str, object]:
    """Options that the choice's factories take, with their defaults; `inspect.Parameter.empty` where one has none."""
    return {
        name: parameter.default for factory in factories(axes, mixings) for name, parameter in inspect.signature(factory).parameters.items()
    }


def make(axes: Axes, mixings: Mapping[str, Callable[..., Mixing]] = MIXINGS, **chosen: object) -> Method:
    """The method of a choice on the three axes.

    Args:
        axes: The choice.
        mixings: The scenario's table of mixings.
        chosen: Options for its factories; each goes to those that know it.

    Raises:
        ValueError: If no factory knows an option, one refuses its value, or two knobs of the method have one name.
    """
    known = options(axes, mixings)
    for name in chosen:
        if name not in known:
            raise ValueError(f"options of {axes} are {sorted(known)}, got {name!r}")
    mixing, perturbation, criterion = factories(axes, mixings)
    method = Method(
        mixing(**_for(mixing, chosen)),
        perturbation(**_for(perturbation, chosen)),
        criterion(**_for(criterion, chosen)),
    )
    _need_distinct(method, known)
    return method


def _for(factory: Callable[..., object], chosen: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in chosen.items() if name in inspect.signature(factory).parameters}


def _need_distinct(method: Method, known: Mapping[str, object]) -> None:
    """Refuse a name that would mean two things in a configuration."""
    taken = [*known, *TABLES, *(knob.name for knob in TRAINING_KNOBS), "progress"]
    for knob in method.knobs:
        if knob.name in taken:
            raise ValueError(f"knobs, options and lr must have different names, but {knob.name} is there twice; rename your own")
        taken.append(knob.name)

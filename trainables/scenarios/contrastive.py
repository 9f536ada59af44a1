"""Contrastive pretraining: labels are used by the judging alone."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from trainables.axes import Mixing
from trainables.contrastive.hosts import Host, moco, simclr
from trainables.contrastive.mixings import contrastive_cutmix, contrastive_manifold, contrastive_mixup, contrastive_plain
from trainables.contrastive.samix import contrastive_samix
from trainables.readout.judging import judging
from trainables.scenarios.scenario import Scenario

REFUSED = {
    ("mixing", "synermix"): "mixes features within a class, which takes labels; nearest is manifold-mixup",
    ("mixing", "synermix-intra"): "mixes features within a class, which takes labels; nearest is manifold-mixup",
    ("mixing", "synermix-manifold"): "mixes features within a class, which takes labels; nearest is manifold-mixup",
    ("mixing", "automix"): "trains its mixer on labels; nearest is samix, whose mixer has a form without them",
    ("mixing", "samix-p"): "takes a mixer and an encoder from a run with labels; nearest is samix, which trains its own",
    ("perturbation", "lets-sam"): "learns its radius from the cross-entropy of labelled pictures; nearest is sam, its radius searched",
    ("perturbation", "lets-asam"): "learns its radius from the cross-entropy of labelled pictures; nearest is asam, its radius searched",
    ("perturbation", "bg-mix"): "takes the cross-entropy of labelled, unmixed pictures for part of the batch; nearest is dg-mix",
    ("perturbation", "sharpdro"): "weighs groups that the labels name; nearest is sam, with criterion cvar for the tail",
}
"""What has no meaning without labels."""

NATS = "must be given: its own range is meant for cross-entropy; InfoNCE starts near log(1 + negatives) nats, 5.5 for 256 views"
LEVELS: dict[str, str] = dict.fromkeys(("flood", "theta", "cutoff", "concentration_level"), NATS)
"""Knobs whose own ranges are levels of cross-entropy."""


def contrastive(
    host: Literal["simclr", "moco"] = "simclr",
    temperature: float = 0.2,
    queue: int = 1024,
    momentum: float = 0.99,
    projection: int = 64,
) -> Scenario:
    """Encoders, trained without labels: two augmented views of a picture are to find each other among others (InfoNCE).

    Judged by a linear classifier on frozen features, fitted to the training split's labels with its strength chosen on the selection
    split; its per-example results give accuracy, tail and stability.

    Args:
        host: simclr (others are the rest of the batch) or moco (others are a queue of keys by a momentum encoder).
        temperature: What cosines are divided by.
        queue: Keys kept by moco.
        momentum: How much of the momentum encoder stays in a step: moco's, and samix's.
        projection: Length of an embedding.

    Raises:
        ValueError: If an option has no meaning; the message begins with its name.
    """
    if host not in ("simclr", "moco"):
        raise ValueError(f"host must be simclr or moco, got {host!r}")
    if not 1e-3 <= temperature <= 100:
        raise ValueError(f"temperature must lie in [0.001, 100], got {temperature:g}; 0.2 is usual on small data")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must lie in [0, 1], got {momentum:g}; 0.99 to 0.999 is usual")
    if queue < 2 or projection < 2:
        raise ValueError(f"{'queue' if queue < 2 else 'projection'} must be 2 or more, got {min(queue, projection)}")
    chosen = simclr(temperature) if host == "simclr" else moco(temperature, queue, momentum, projection)
    return Scenario(mixings(chosen, projection, momentum), judging(), REFUSED, LEVELS, faults, own=False)


def mixings(host: Host, width: int, momentum: float) -> dict[str, Callable[..., Mixing]]:
    """The mixings on a host, by the names that they have with labels."""
    on_host = {
        "none": contrastive_plain,
        "mixup": contrastive_mixup,
        "cutmix": contrastive_cutmix,
        "manifold-mixup": contrastive_manifold,
    }
    hosted: dict[str, Callable[..., Mixing]] = {name: partial(factory, host, width) for name, factory in on_host.items()}
    return {**hosted, "samix": partial(contrastive_samix, host, width, momentum)}


def faults(study: Mapping[str, Any]) -> list[str]:
    """What a study must say, or leave, for two views to differ and labels to play no part."""
    found = []
    data = study.get("data")
    augment = data.get("augment") if isinstance(data, Mapping) else None
    if not isinstance(augment, Mapping) or not any(augment.values()):
        found.append(
            "data.augment must say how two views of a picture may differ in a contrastive study; add, as in augment: {shift: 2, cutout: 3}"
        )
    for where, given in (("training", study.get("training")), *_methods(study)):
        if isinstance(given, Mapping) and given.get("label_smoothing", 0) not in (0, [0], [0.0]):
            found.append(f"{where}.label_smoothing must be left out in a contrastive study, which trains without labels")
    return found


def _methods(study: Mapping[str, Any]) -> list[tuple[str, Any]]:
    methods = study.get("methods")
    return [(f"methods.{name}", given) for name, given in methods.items()] if isinstance(methods, Mapping) else []

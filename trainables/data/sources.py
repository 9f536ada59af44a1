"""Every data set by the name that a study file gives, and the readers for the user's own files."""

from collections.abc import Callable
from functools import partial

from trainables.data import public
from trainables.data.digits import digits
from trainables.data.folder import images
from trainables.data.idx import idx
from trainables.data.npz import npz
from trainables.data.parquet import parquet
from trainables.data.plugin import called
from trainables.data.raw import OnDisk, Raw
from trainables.data.synthetic import gaussians, sinusoid, spiral
from trainables.plugin import is_named, spelled_out

Source = Callable[..., Raw | OnDisk]


def _medmnist(name: str) -> Source:
    def source(path: str | None = None) -> OnDisk:
        return public.medmnist(name, path)

    source.__doc__ = public.medmnist.__doc__
    return source


SOURCES: dict[str, Source] = {
    "digits": digits,
    "gaussians": gaussians,
    "sinusoid": sinusoid,
    "spiral": spiral,
    "mnist": public.mnist,
    "fashion-mnist": public.fashion_mnist,
    "kmnist": public.kmnist,
    "cifar10": public.cifar10,
    "cifar100": public.cifar100,
    **{name: _medmnist(name) for name in ("pathmnist", "bloodmnist", "dermamnist", "pneumoniamnist")},
    "npz": npz,
    "idx": idx,
    "images": images,
    "parquet": parquet,
}
"""Data sets by name. A source's parameters are what a study file may say beside its name; `module:object` names one of the user's own."""


def source(name: str) -> Source:
    """The source of this name, `module:object` included."""
    name = spelled_out("data", name)
    return partial(called, name) if is_named(name) else SOURCES[name]

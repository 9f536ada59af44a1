"""Public data sets by name: where their files are, what their checksums are, and how they are read."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from trainables.data import cifar, idx, npz
from trainables.data.cache import folder
from trainables.data.raw import OnDisk

log = logging.getLogger(__name__)

DIGITS = tuple("0123456789")
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


class Download(NamedTuple):
    """Files of a public data set: name to checksum, each below one of the addresses, which are tried in their order.

    Attributes:
        addresses: Where the files lie, without their names.
        files: File name to checksum, as pooch writes it.
        size: Bytes in all, about.
        licence: Terms that the publisher states, or where they stand.
    """

    addresses: tuple[str, ...]
    files: dict[str, str]
    size: str
    licence: str


def _idx(*digests: str) -> dict[str, str]:
    names = [name for part in idx.FILES.values() for name in part]
    return {f"{name}.gz": f"md5:{digest}" for name, digest in zip(names, digests, strict=True)}


# Checksums: those that torchvision, MedMNIST and the CIFAR page publish for the same files [read].
DOWNLOADS = {
    "mnist": Download(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        _idx(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        "12 MB",
        "CC BY-SA 3.0",
    ),
    "fashion-mnist": Download(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        _idx(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        "31 MB",
        "MIT",
    ),
    "kmnist": Download(
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        _idx(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        "21 MB",
        "CC BY-SA 4.0",
    ),
    "cifar10": Download(
        ("https://www.cs.toronto.edu/~kriz/",),
        {"cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530"},
        "170 MB",
        "none stated; see https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    "cifar100": Download(
        ("https://www.cs.toronto.edu/~kriz/",),
        {"cifar-100-binary.tar.gz": "md5:03b5dce01913d631647c71ecec9e9cb8"},
        "169 MB",
        "none stated; see https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    **{
        name: Download(("https://zenodo.org/records/10519652/files/",), {f"{name}.npz": f"md5:{digest}"}, size, licence)
        for name, digest, size, licence in (
            ("pathmnist", "a8b06965200029087d5bd730944a56c1", "206 MB", "CC BY 4.0"),
            ("bloodmnist", "7053d0359d879ad8a5505303e11de1dc", "35 MB", "CC BY 4.0"),
            ("dermamnist", "0744692d530f8e62ec473284d019b0c7", "20 MB", "CC BY-NC 4.0"),
            ("pneumoniamnist", "28209eda62fecd6e6a2d98b1501bb15f", "4 MB", "CC BY 4.0"),
        )
    },
}


def mnist(path: str | None = None) -> OnDisk:
    """60,000 and 10,000 handwritten digits of 28 x 28 grey pixels (LeCun, Cortes & Burges). `path`: a folder with the four IDX files."""
    return idx.in_folder(place("mnist", path), "mnist", DIGITS)


def fashion_mnist(path: str | None = None) -> OnDisk:
    """60,000 and 10,000 pictures of garments, 28 x 28, grey (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747)."""
    return idx.in_folder(place("fashion-mnist", path), "fashion-mnist", GARMENTS)


def kmnist(path: str | None = None) -> OnDisk:
    """60,000 and 10,000 cursive kana, 28 x 28, grey (Clanuwat et al. 2018, arXiv 1812.01718)."""
    return idx.in_folder(place("kmnist", path), "kmnist", KANA)


def cifar10(path: str | None = None) -> OnDisk:
    """50,000 and 10,000 colour pictures of 32 x 32 in 10 classes (Krizhevsky 2009). `path`: the archive, or the folder with its files."""
    return cifar.at(_archive("cifar10", path), cifar.CIFAR10)


def cifar100(path: str | None = None, labels: Literal["fine", "coarse"] = "fine") -> OnDisk:
    """50,000 and 10,000 colour pictures of 32 x 32 in 100 classes, or in the 20 that these fall into (Krizhevsky 2009)."""
    return cifar.at(_archive("cifar100", path), cifar.CIFAR100 if labels == "fine" else cifar.CIFAR20)


def medmnist(name: str, path: str | None = None) -> OnDisk:
    """One of the MedMNIST sets (Yang et al. 2023, arXiv 2110.14795), with its own training, validation and test parts."""
    return npz.npz(str(_archive(name, path)))


def place(name: str, path: str | None) -> Path:
    """The folder that holds a public data set's files: `path`, or where `fetch` puts them.

    Raises:
        ValueError: If `path` is no folder, or the files have not been fetched.
    """
    if path is not None:
        if not Path(path).exists():
            raise ValueError(f"{path} must hold {', '.join(DOWNLOADS[name].files)}, it does not exist")
        return Path(path)
    home = downloads(name)
    missing = [file for file in DOWNLOADS[name].files if not (home / file).is_file()]
    if missing:
        raise ValueError(f"{name} is not on this machine: run `altiplano data {name} --fetch`, {by_hand(name)}")
    return home


def by_hand(name: str) -> str:
    """How to get a public data set without the command."""
    download = DOWNLOADS[name]
    addresses = ", ".join(f"{download.addresses[0]}{file}" for file in download.files)
    return f"or download {addresses} elsewhere and either put it into {downloads(name)} or name its folder as `path` in the study's data"


def downloads(name: str) -> Path:
    """The folder that `fetch` fills."""
    return folder() / "downloads" / name


def fetch(name: str, *, progress: bool = True) -> list[Path]:
    """Download a public data set's files into the cache, each checked by its checksum; what is there already is checked and kept.

    Args:
        name: Key of `DOWNLOADS`.
        progress: Show a bar for each file.

    Returns:
        The files.

    Raises:
        ValueError: If there is no such public data set, a file cannot be had, or it is not the one with the known checksum.
    """
    if name not in DOWNLOADS:
        raise ValueError(f"the public data sets are {', '.join(DOWNLOADS)}; got {name!r}, which is not to be fetched")
    return [_fetched(name, file, progress=progress) for file in DOWNLOADS[name].files]


def _fetched(name: str, file: str, *, progress: bool) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ValueError("fetching needs pooch: pip install 'altiplano[data]'") from error
    faults: list[str] = []
    for address in DOWNLOADS[name].addresses:
        try:
            with _quiet():
                got = pooch.retrieve(address + file, DOWNLOADS[name].files[file], file, downloads(name), progressbar=progress)
            return Path(got)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong checksum is a ValueError
            faults.append(f"{address}{file}: {_first_line(error)}")
    raise ValueError(f"{file} of {name} could not be fetched ({'; '.join(faults)}); where this machine has no network: {by_hand(name)[3:]}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pooch says in its log what it downloads; the bar says so too."""
    import pooch

    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _archive(name: str, path: str | None) -> Path:
    """The one file of a public data set, or the folder that the user gave."""
    found = place(name, path)
    file = found / next(iter(DOWNLOADS[name].files))
    return file if file.is_file() else found

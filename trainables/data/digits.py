"""scikit-learn's digits: 1,797 real 8 x 8 pictures of handwritten digits, the data set that needs no network."""

import importlib.util
from pathlib import Path

import numpy as np

from trainables.data.raw import Raw

FILE = "datasets/data/digits.csv.gz"
"""In scikit-learn's package: 64 pixels from 0 to 16 and the label, a picture a line."""


def digits() -> Raw:
    """The pictures (1797, 1, 8, 8) scaled to [0, 1], their labels, no groups.

    The file is read without importing scikit-learn, which takes a worker longer than its first epoch.

    Raises:
        ValueError: If scikit-learn is not installed.

    References:
        Alpaydin & Kaynak, UCI Optical Recognition of Handwritten Digits, 1998; bundled with scikit-learn.
    """
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise ValueError("digits come with scikit-learn, which is not installed; pip install scikit-learn, or name another data set")
    table = np.loadtxt(Path(package.submodule_search_locations[0]) / FILE, delimiter=",", dtype=np.float32)
    return Raw(table[:, :-1].reshape(-1, 1, 8, 8) / 16, table[:, -1].astype(np.int64), tuple(str(digit) for digit in range(10)))

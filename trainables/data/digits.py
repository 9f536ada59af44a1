"""scikit-learn's digits: 1,797 real 8 x 8 pictures of handwritten digits, the data set that needs no network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.data.raw import Raw


def digits() -> Raw:
    """The pictures (1797, 1, 8, 8) scaled to [0, 1], their labels, no groups.

    References:
        Alpaydin & Kaynak, UCI Optical Recognition of Handwritten Digits, 1998; bundled with scikit-learn.
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    x: NDArray[np.float32] = (bunch.images[:, None] / 16).astype(np.float32)
    return Raw(x, bunch.target.astype(np.int64), tuple(str(digit) for digit in range(10)))

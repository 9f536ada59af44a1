"""One synthetic study for all tests that only read it."""

from pathlib import Path

import pytest

from tests.analysis import synthetic


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six methods of three seeds, a few failures, two rungs, five configurations confirmed."""
    home = tmp_path_factory.mktemp("homes") / "digits"
    counts = {method: 1 if method == "erm" else 12 for method in synthetic.METHODS}
    confirm = {("altiplano", 3): 7, ("g-mix", 2): 7, ("altiplano", 5): 5, ("erm", 0): 7, ("sam", 4): 5}
    synthetic.study(home, counts, synthetic.World(failure=0.02, group=4), confirm)
    return home

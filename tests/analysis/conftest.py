"""One synthetic study, and its report, for all tests that only read them."""

from pathlib import Path

import pytest

from analysis import report
from tests.analysis import synthetic


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six methods of three seeds, a few failures, five configurations confirmed."""
    home = tmp_path_factory.mktemp("homes") / "digits"
    counts = {method: 1 if method == "erm" else 16 for method in synthetic.METHODS}
    confirm = {("altiplano", 3): 7, ("g-mix", 2): 7, ("altiplano", 5): 5, ("erm", 0): 7, ("sam", 4): 5}
    synthetic.study(home, counts, synthetic.World(failure=0.01, group=4), confirm)
    return home


@pytest.fixture(scope="session")
def page(digits: Path) -> Path:
    """The report of that study."""
    return report(str(digits))


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports write no PNG and PDF, which take most of their time."""
    monkeypatch.setattr("analysis.figures.printer.Printer.save", lambda printer, figure, stem: None)

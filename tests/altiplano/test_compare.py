"""`altiplano compare` as a user meets it."""

import pytest

from altiplano.main import run
from altiplano.options import AT_FAULT, DONE
from tests.analysis import synthetic


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    for name, count in (("one", 2), ("two", 3)):
        synthetic.study(folder / name, {"erm": 1, "mixup": count}, synthetic.World(epochs=2, examples=60))
    return folder


def test_two_studies_are_compared_and_the_page_is_named(home, capsys, monkeypatch):
    monkeypatch.setattr("analysis.figures.printer.Printer.save", lambda printer, figure, stem: None)
    assert run(["compare", "one", "two", "--home", str(home)]) == DONE
    assert capsys.readouterr().out.strip() == str(home / "comparison" / "index.html")
    assert "2 studies compared" in (home / "comparison" / "index.html").read_text()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["one"], "takes two studies or more, got 1"),
        (["one", "one"], "every study may be given once, got one more than once"),
        (["one", "three"], "three: there is no such study"),
        (["one", "two", "--rule", "pareto"], "rule must be one of guarantee, mean, tail, stability"),
        (["one", "two", "--weights", "speed=1"], "weights must be named mean and tail"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(given, told, home, capsys):
    assert run(["compare", *given, "--home", str(home)]) == AT_FAULT
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1

"""The report as a user meets it: files, determinism, and studies that are hardly begun."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import load, rank, report
from analysis.sections import order
from tests.analysis import synthetic

SECTIONS = (
    "confirmed ranking methods fronts knobs curves classes examples stability sharpness progress cost limits again".split()  # noqa: SIM905
)


def without_date(page: Path) -> str:
    return re.sub(r"<time>.*?</time>", "", page.read_text(encoding="utf-8"))


def made(home: Path, tmp_path: Path, **counts: int) -> tuple[str, Path]:
    """Text and path of the report of a small study."""
    synthetic.study(home, {name.replace("_", "-"): count for name, count in counts.items()}, synthetic.World(epochs=4, examples=120))
    page = report(str(home), out=tmp_path / "out")
    return page.read_text(encoding="utf-8"), page


def test_a_report_leaves_a_page_with_its_tables_and_figures(page: Path) -> None:
    assert page.name == "index.html"
    assert page.parent.name == "report"
    table = pd.read_csv(page.parent / "ranking.csv")
    assert len(table) == 81
    assert {"rank", "method", "configuration", "accuracy", "accuracy_low", "tail", "stability", "guarantee", "p_best", "knob_alpha"} <= set(
        table
    )
    about = json.loads((page.parent / "ranking.json").read_text())
    assert about["about"] == {"study": "digits", "rule": "guarantee", "weights": {"mean": 0.5, "tail": 0.5}}
    assert len(about["rows"]) == 81
    pd.testing.assert_series_equal(pd.read_parquet(page.parent / "ranking.parquet")["p_best"], table["p_best"])
    assert (page.parent / "ranking.tex").read_text().startswith(r"\begin{tabular}")
    linked = re.findall(r'href="(?!#|data:)([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(linked) > 40
    for name in linked:
        assert (page.parent / name).stat().st_size > 200, name


def test_the_page_has_every_section_in_reading_order(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<section id="([^"]+)"', text) == ["answer", *SECTIONS]
    assert re.findall(r'<li><a href="#([^"]+)"', text) == SECTIONS


def test_the_page_holds_all_it_needs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for outside in re.findall(r'(?:src|href)="([a-z]+:[^"]*)"', text):
        assert outside.startswith("data:"), outside[:80]
    assert "<script" not in text
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    marks = re.findall(r' id="([^"]+)"', text)
    assert len(marks) == len(set(marks))
    for mark in re.findall(r"url\(#([^)]+)\)", text):
        assert mark in marks


def test_colours_follow_the_page_and_none_is_left_behind(page: Path) -> None:
    drawings = re.findall(r'<svg class="drawing".*?</svg>', page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(drawings) > 15
    for drawing in drawings:
        left = set(re.findall(r"#[0-9a-f]{6}", re.sub(r"<image.*?/>", "", drawing))) - {"#ffffff", "#000000"}
        assert not left


def test_the_confirmed_figures_lead_and_the_optimism_is_told(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "confirmed on fresh seeds and the test split" in text
    assert "Optimism: on average the search had reported" in text
    both = pd.read_csv(page.parent / "confirmed.csv")
    assert len(both) == 5
    np.testing.assert_allclose(both["optimism"], both["utility_selection"] - both["utility_test"], atol=2e-6)


def test_the_same_evidence_gives_the_same_report(digits: Path, page: Path, tmp_path: Path) -> None:
    again = report(str(digits), out=tmp_path / "again")
    assert without_date(page) == without_date(again)
    names = sorted(path.relative_to(page.parent) for path in page.parent.rglob("*") if path.is_file() and path.name != "index.html")
    assert sum(name.suffix == ".pdf" for name in names) > 15
    for name in names:
        assert (page.parent / name).read_bytes() == (again.parent / name).read_bytes(), name


@pytest.mark.usefixtures("unsaved")
def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    figures = tmp_path / "out" / "figures"
    figures.mkdir(parents=True)
    (figures / "old.png").write_bytes(b"old")
    (figures / "notes.txt").write_text("mine")
    made(tmp_path / "s", tmp_path, erm=1)
    assert not (figures / "old.png").exists()
    assert (figures / "notes.txt").exists()


@pytest.mark.usefixtures("unsaved")
class TestStudiesThatAreHardlyBegun:
    """A report is made as soon as there is evidence, and says what cannot be concluded."""

    def test_one_configuration(self, tmp_path: Path) -> None:
        text, _ = made(tmp_path / "one", tmp_path, erm=1)
        assert "One configuration has finished" in text
        assert "It is the only configuration so far" in text

    def test_one_configuration_of_each_of_two_methods(self, tmp_path: Path) -> None:
        text, _ = made(tmp_path / "two", tmp_path, erm=1, mixup=1)
        assert 'id="methods"' in text

    def test_without_erm(self, tmp_path: Path) -> None:
        text, _ = made(tmp_path / "none", tmp_path, mixup=4)
        assert "no finished ERM configuration" in text

    def test_half_finished(self, tmp_path: Path) -> None:
        home = tmp_path / "half"
        synthetic.study(home, {"erm": 1, "mixup": 16}, synthetic.World(epochs=4, examples=120))
        max((home / "evidence").glob("mixup*")).unlink()
        text = report(str(home), out=tmp_path / "out").read_text(encoding="utf-8")
        assert "The study is not finished: of 16 configurations a method, only 8 of mixup are there." in text

    def test_one_seed(self, tmp_path: Path) -> None:
        synthetic.study(tmp_path / "seed", {"erm": 1, "mixup": 6}, synthetic.World(seeds=1, epochs=4, examples=120))
        text = report(str(tmp_path / "seed"), out=tmp_path / "out").read_text(encoding="utf-8")
        assert "Every configuration has one seed" in text
        assert "nan" not in re.sub(r"<svg.*?</svg>|base64,[^\"]+", "", text, flags=re.DOTALL)

    def test_two_seeds(self, tmp_path: Path) -> None:
        synthetic.study(tmp_path / "seeds", {"erm": 1, "mixup": 6}, synthetic.World(seeds=2, epochs=4, examples=120))
        frame = rank(load(str(tmp_path / "seeds")))
        assert frame["guarantee"].notna().all()
        assert report(str(tmp_path / "seeds"), out=tmp_path / "out").exists()

    def test_all_diverged(self, tmp_path: Path) -> None:
        synthetic.study(tmp_path / "all", {"erm": 1, "mixup": 3}, synthetic.World(failure=1.0, epochs=4, examples=120))
        text = report(str(tmp_path / "all"), out=tmp_path / "out").read_text(encoding="utf-8")
        assert "Every seed of every configuration diverged" in text

    def test_halved(self, tmp_path: Path) -> None:
        synthetic.study(tmp_path / "halved", {"erm": 1, "mixup": 24}, synthetic.World(epochs=9, rungs=(3, 6), examples=120))
        text = report(str(tmp_path / "halved"), out=tmp_path / "out").read_text(encoding="utf-8")
        assert 'id="halving"' in text
        assert "dropped at epoch 3" in text
        assert len(rank(load(str(tmp_path / "halved")))) == 5

    def test_without_study_file_truth_and_curves(self, tmp_path: Path) -> None:
        home = tmp_path / "bare"
        synthetic.study(home, {"erm": 1, "mixup": 4}, synthetic.World(epochs=4, examples=120))
        (home / "study.yaml").unlink()
        (home / "environment.json").unlink()
        (home / "splits" / "selection.npz").unlink()
        text = report(str(home), out=tmp_path / "out").read_text(encoding="utf-8")
        assert "Study bare" in text
        assert 'id="examples"' not in text

    def test_rule_oracle_says_what_it_is(self, digits: Path, tmp_path: Path) -> None:
        text = report(str(digits), rule="oracle", out=tmp_path / "out").read_text(encoding="utf-8")
        assert "Rule oracle chose by the test split" in text

    @pytest.mark.parametrize("rule", ["mean", "pareto"])
    def test_other_rules(self, rule: str, tmp_path: Path) -> None:
        synthetic.study(tmp_path / "s", {"erm": 1, "mixup": 4}, synthetic.World(epochs=4, examples=120))
        text = report(str(tmp_path / "s"), rule=rule, weights={"mean": 1}, out=tmp_path / "out").read_text(encoding="utf-8")
        assert f"by rule {rule}" in text

    def test_names_that_are_markup_are_shown_and_not_obeyed(self, tmp_path: Path) -> None:
        home = tmp_path / "markup"
        synthetic.study(home, {"erm": 1, "mixup": 2}, synthetic.World(epochs=4, examples=120))
        (home / "study.yaml").write_text('name: "<b>&</b>"\ndata: {name: "<script>"}\n')
        text = report(str(home), out=tmp_path / "out").read_text(encoding="utf-8")
        assert "Study &lt;b&gt;&amp;&lt;/b&gt;" in text
        assert "<script" not in text


def test_what_is_no_study_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found nothing at"):
        report(str(tmp_path / "missing"))
    with pytest.raises(ValueError, match=r"nor study\.yaml"):
        report(str(tmp_path))
    (tmp_path / "study.yaml").write_text("name: begun\n")
    with pytest.raises(ValueError, match="no group has finished yet"):
        report(str(tmp_path))


def test_the_optimism_is_that_of_what_was_chosen_and_erm_was_not() -> None:
    pairs = pd.DataFrame({"chosen": [False, True, True], "optimism": [-0.2, 0.01, 0.03]})
    assert order.optimism(pairs)[0] == pytest.approx(0.02)
    assert order.optimism(pairs.head(1))[0] == pytest.approx(-0.2)

"""Several studies: levels compared on the same examples only, gains over ERM elsewhere, and the rest refused with its reason."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from analysis import compare, compare_studies
from analysis.comparable import RULES, Judged, meaning, sort_out, split_of
from analysis.levels import levels
from analysis.ranking import ranking
from analysis.summary import WEIGHTS
from analysis.table import Table
from tests.analysis import synthetic
from tests.analysis.tables import simulated
from trainables.draws import stream
from trainables.scores import Truth

LABELS = np.arange(40) % 10


def study(name: str, scores: np.ndarray, labels: np.ndarray = LABELS, erm: bool = True, **intent: object) -> Table:
    """A study of a table of scores whose first configuration is ERM, on a split of the given labels."""
    methods = [("erm" if erm else "mixup") if row == 0 else "mixup" for row in range(len(scores))]
    table = simulated(scores, methods=methods)
    truth = Truth(labels, np.zeros_like(labels), 10)
    return replace(table, name=name, truth=truth, intent={"name": name, "data": {"name": "digits"}, "tail": "worst-class", **intent})


def scores(entropy: int, level: float = 0.9, count: int = 8) -> np.ndarray:
    source = stream(entropy, "studies to compare")
    return level + 0.01 * source.standard_normal((count, 1)) + 0.004 * source.standard_normal((count, 3))


def test_a_supervised_and_a_contrastive_study_on_one_split_are_compared_by_level() -> None:
    found = sort_out([study("a", scores(1)), study("b", scores(2), scenario="contrastive")], "guarantee", WEIGHTS)
    assert [[one.name for one in group] for group in found.together] == [["a", "b"]]
    assert found.refused == []


def test_one_method_name_in_two_scenarios_or_two_combinations_is_not_one_method() -> None:
    mixed = {"mixup": {"mixing": "mixup", "alpha": [0.1, 1.0]}}
    a, b = study("a", scores(1), methods=mixed), study("b", scores(2), methods=mixed, scenario="contrastive")
    assert meaning(a, "mixup") != meaning(b, "mixup")
    assert meaning(a, "mixup") == meaning(study("c", scores(3), methods={"mixup": {"mixing": "mixup", "alpha": [0.2, 4.0]}}), "mixup")
    assert meaning(a, "mixup") != meaning(study("d", scores(3), methods={"mixup": {"mixing": "cutmix"}}), "mixup")


def test_an_option_makes_another_method_and_a_fixed_knob_does_not() -> None:
    def named(**entry: object) -> Table:
        table = study("a", scores(1), methods={"mixup": {"mixing": "synermix", **entry}})
        return replace(table, knobs=pd.DataFrame({"alpha": [0.1]}))

    assert meaning(named(), "mixup") == meaning(named(alpha=0.3), "mixup")
    for option in ({"intra": False}, {"every": 2}):
        assert meaning(named(), "mixup") != meaning(named(**option), "mixup")


def test_inputs_that_are_no_pictures_are_told_apart_by_how_they_were_made() -> None:
    def made(**options: object) -> str:
        return split_of(study("a", scores(1), data={"name": "gaussians", **options}))

    assert made(distance=1) != made(distance=3)
    assert made(distance=1) == made(distance=1, label_noise=0.2, fraction=0.5)


def test_other_examples_are_another_split_even_where_names_and_numbers_agree() -> None:
    a, b = study("a", scores(1)), study("b", scores(2), np.roll(LABELS, 1))
    assert split_of(a) != split_of(b)
    assert split_of(a) == split_of(study("c", scores(3)))
    assert split_of(a) != split_of(replace(a, pictures=np.ones((40, 8, 8), np.uint8)))
    found = sort_out([a, b], "guarantee", WEIGHTS)
    assert found.together == []
    assert len(found.judged) == 2


def test_a_study_of_unknown_examples_is_compared_by_gains_alone() -> None:
    a, b = (replace(study(name, scores(place)), truth=None) for place, name in enumerate("ab"))
    assert sort_out([a, b], "guarantee", WEIGHTS).together == []


def test_another_split_without_erm_is_refused_with_the_reason() -> None:
    lone = study("lone", scores(3), np.roll(LABELS, 1), erm=False)
    found = sort_out([study("a", scores(1)), study("b", scores(2)), lone], "guarantee", WEIGHTS)
    assert found.refused == [("lone", "it has no finished ERM configuration, and no other study scores the same examples")]
    with pytest.raises(ValueError, match="two studies or more that can be held against each other; lone: it has no finished ERM"):
        sort_out([study("a", scores(1)), lone], "guarantee", WEIGHTS)


def test_another_tail_is_refused_unless_only_means_are_compared() -> None:
    studies = [study("a", scores(1)), study("b", scores(2)), study("c", scores(3), tail="cvar(0.1)")]
    found = sort_out(studies, "guarantee", WEIGHTS)
    assert [name for name, _ in found.refused] == ["c"]
    assert "its tail is cvar(0.1) where the others have worst-class" in found.refused[0][1]
    assert sort_out(studies, "mean", {"mean": 1, "tail": 0}).refused == []
    assert len(sort_out(studies, "tail", {"mean": 1, "tail": 0}).refused) == 1


def test_what_makes_no_sense_for_several_studies_is_refused() -> None:
    a = study("a", scores(1))
    with pytest.raises(ValueError, match="every study may be given once, got a more than once"):
        sort_out([a, a], "guarantee", WEIGHTS)
    for rule in ("pareto", "oracle", "luck"):
        with pytest.raises(ValueError, match=f"rule must be one of {', '.join(RULES)} to order"):
            sort_out([a, study("b", scores(2))], rule, WEIGHTS)
    with pytest.raises(ValueError, match="two studies or more, got 1"):
        sort_out([a], "guarantee", WEIGHTS)


def test_studies_on_one_split_are_judged_on_the_test_split_only_if_all_are_confirmed() -> None:
    a, b = study("a", scores(1)), study("b", scores(2))
    after = replace(a, split="test", confirmed=None)
    found = sort_out([replace(a, confirmed=after), b], "guarantee", WEIGHTS)
    assert [one.table.split for one in found.judged] == ["selection", "selection"]
    both = [replace(one, confirmed=replace(one, split="test")) for one in (a, b)]
    found = sort_out(both, "guarantee", WEIGHTS)
    assert [one.table.split for one in found.judged] == ["test", "test"]
    assert len(found.together) == 1
    other = replace(b, split="test", truth=Truth(np.roll(LABELS, 1), np.zeros_like(LABELS), 10))
    found = sort_out([both[0], replace(b, confirmed=other)], "guarantee", WEIGHTS)
    assert [one.table.split for one in found.judged] == ["selection", "selection"]


def judged(table: Table) -> Judged:
    return Judged(table, ranking(table, "mean"), "digits", confirmed=False)


def test_the_best_of_each_study_are_compared_unpaired() -> None:
    high, low = scores(8, 0.93), scores(9, 0.90)
    found = levels([judged(study("low", low)), judged(study("high", high))])
    assert found.frame["study"].iloc[0] == "high"
    assert found.frame["rank"].tolist() == list(range(1, len(found.frame) + 1))
    row = found.contrasts[found.contrasts["figure"] == "accuracy"].iloc[0]
    best = {name: found.frame[found.frame["study"] == name].iloc[0] for name in ("low", "high")}
    assert_allclose(row["gain"], best["low"]["accuracy"] - best["high"]["accuracy"])
    assert not row["paired"]
    assert row["low"] < row["gain"] < row["high"] < 0
    assert_allclose(row["shrunken"], best["low"]["accuracy_shrunk"] - best["high"]["accuracy_shrunk"])


def test_a_study_of_one_seed_is_compared_without_an_interval() -> None:
    found = levels([judged(study("a", scores(1))), judged(study("b", scores(2, 0.8)[:, :1]))])
    assert found.contrasts["gain"].notna().all()
    assert found.contrasts[["low", "high", "p_holm"]].isna().all(axis=None)


@pytest.mark.usefixtures("unsaved")
def test_the_page_shows_levels_gains_and_what_was_left_out(tmp_path: Path) -> None:
    world = synthetic.World(epochs=3, examples=120)
    synthetic.study(tmp_path / "labels", {"erm": 1, "mixup": 6}, world)
    synthetic.study(tmp_path / "pairs", {"erm": 1, "mixup": 6, "sam": 6}, world._replace(skill=2.0))
    synthetic.study(tmp_path / "other", {"erm": 1, "mixup": 6}, world._replace(examples=130))
    synthetic.study(tmp_path / "lone", {"mixup": 2}, world._replace(examples=110))
    file = tmp_path / "pairs" / "study.yaml"
    file.write_text(file.read_text() + "scenario: contrastive\n")
    paths = [str(tmp_path / name) for name in ("labels", "pairs", "other", "lone")]
    page = compare_studies(paths)
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<section id="([^"]+)"', text) == ["answer", "studies", "levels", "gains"]
    assert "lone is left out: it has no finished ERM configuration" in text
    assert "The studies train in different ways (contrastive and supervised)" in text
    assert "A name that stands for different things in these studies: erm and mixup." in text
    assert re.search(r"<th[^>]*>scenario.*contrastive", text)
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    assert {path.name for path in page.parent.glob("*.csv")} == {"methods.csv", "levels.csv", "contrasts.csv"}
    again = compare_studies(paths, out=tmp_path / "again").read_text(encoding="utf-8")
    assert re.sub("<time>.*?</time>", "", again) == re.sub("<time>.*?</time>", "", text)


def test_contrasts_between_studies_are_welchs_of_moderated_spreads_corrected_by_holm() -> None:
    studies = [judged(study(name, scores(place, level))) for place, (name, level) in enumerate([("a", 0.93), ("b", 0.925), ("c", 0.92)])]
    found = levels(studies)
    part = found.contrasts[found.contrasts["figure"] == "accuracy"]
    assert_allclose(part["p_holm"], compare.holm(part["p"].to_numpy()))
    assert (part["p_holm"] >= part["p"]).all()
    assert_allclose(part["p_holm"].min(), 2 * part["p"].min())
    by_name = {one.name: one for one in studies}
    first, row = found.frame.iloc[0], part.iloc[0]
    sides = []
    for name, number in ((row["study"], row["configuration"]), (first["study"], first["configuration"])):
        figure, of_seeds = by_name[name].ranked.summary.figures["accuracy"], by_name[name].table.members
        values = of_seeds.loc[of_seeds["configuration"] == number, "accuracy"].to_numpy()
        sides.append((values, (float(figure.variance[number]), float(figure.df[number]))))
    wanted = compare.unpaired(sides[0][0], sides[1][0], sides[0][1], sides[1][1])
    assert_allclose([row["gain"], row["p"], row["df"]], [wanted.gain, wanted.p, wanted.df])

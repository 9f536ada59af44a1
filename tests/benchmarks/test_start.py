"""What is made of the seconds that commands took."""

import pytest
import yaml

from benchmarks import start
from search.study import Study


def test_a_configuration_costs_what_a_longer_study_takes_beyond_its_longer_training(monkeypatch):
    monkeypatch.setattr(start.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(start, "_whole", lambda count, seeds: (20 + count * (0.03 + 0.1 * seeds / 2), 0.1 * count * seeds))
    assert start.configuration(20, 420, 3) == pytest.approx(0.03)


def test_the_studies_are_studies_that_differ_in_their_budget_alone():
    few, more = (Study.model_validate(yaml.safe_load(yaml.safe_dump(start.study(count, 3)))) for count in (24, 424))
    assert (few.budget_of("g-mix"), more.budget_of("g-mix"), few.group) == (24, 424, 24)
    assert few.model_copy(update={"budget": more.budget}) == more


def test_rows_are_medians_with_their_ends(monkeypatch, tmp_path):
    firsts, each = iter([14.0, 11.0, 12.0, 10.0, 16.0, 9.0]), iter([0.02, 0.05, 0.03])
    monkeypatch.setattr(start, "first_epoch", lambda study, cache: next(firsts))
    monkeypatch.setattr(start, "configuration", lambda few, more, seeds: next(each))
    rows = start.main(["--rounds", "3", "--out", str(tmp_path / "found.json")])
    assert [(row["seconds"], row["least"], row["most"]) for row in rows] == [(14, 12, 16), (10, 9, 11), (0.03, 0.02, 0.05)]

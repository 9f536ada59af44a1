"""Replays against tables whose truth is known."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose

from altiplano.main import run
from altiplano.replaying import Benchmark, _course, benchmark, best_so_far, compared, interval, rules_of
from analysis.table import load
from search.errors import UserError
from search.replay import Rows, Rules, Step, places, replay, unlearned
from search.study import Study
from tests.analysis import synthetic

COUNT, EPOCHS, SEEDS = 16, 10, 3
STUDY = Study.model_validate({"name": "known", "methods": {"sam": {"rho": [0.01, 1.0]}}, "objectives": ["accuracy"]})


def table(planted: bool = False) -> list[Rows]:
    """Rows at even steps of log(rho), better with rho; where a fault is planted the curves run the other way."""
    rhos = np.geomspace(0.01, 1.0, COUNT)
    level = np.linspace(0.5, 0.9, COUNT)
    scores = np.repeat(level[:, None, None], SEEDS, axis=1)
    course = np.repeat((level[::-1] if planted else level)[:, None, None, None], SEEDS, axis=1).repeat(EPOCHS, axis=2)
    return [Rows(STUDY.spaces["sam"], list(range(COUNT)), [{"rho": float(rho)} for rho in rhos], scores, course)]


def bench(rows: list[Rows]) -> Benchmark:
    truth = {key: rows[0].scores[key].mean(axis=0) for key in rows[0].keys}
    own = [Step(key, SEEDS, SEEDS * EPOCHS, truth[key]) for key in rows[0].keys]
    return Benchmark(rows, ["accuracy"], COUNT * SEEDS * EPOCHS, truth, own)


def test_knobs_lie_in_their_own_scale() -> None:
    assert_allclose(places(STUDY.spaces["sam"], [{"rho": 0.01}, {"rho": 0.1}, {"rho": 1.0}])[:, 0], [0, 0.5, 1])


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_every_configuration_is_met_once_and_costs_what_it_trained(sampler: str) -> None:
    steps = list(replay(table(), Rules(sampler, seeds=2, group=4), 0))
    assert sorted(step.key for step in steps) == list(range(COUNT))
    assert all(step.epochs == 2 * EPOCHS and step.members == 2 for step in steps)


def test_halving_spends_less_and_keeps_the_best_unless_the_curves_mislead() -> None:
    rules = Rules("random", (2,), 0.25, SEEDS, COUNT)
    steps = list(replay(table(), rules, 0))
    assert {step.key for step in steps if step.seen is not None} == {12, 13, 14, 15}
    assert sum(step.epochs for step in steps) == SEEDS * (4 * EPOCHS + 12 * 2)
    misled = list(replay(table(planted=True), rules, 0))
    assert {step.key for step in misled if step.seen is not None} == {0, 1, 2, 3}


def test_a_sampler_that_learns_finds_the_best_sooner_than_chance() -> None:
    def when(sampler: str) -> float:
        runs = [[step.key for step in replay(table(), Rules(sampler, group=1), seed)] for seed in range(8)]
        return float(np.mean([keys[10:].index(15) for keys in runs if 15 in keys[10:]] or [0]))

    assert when("tpe") < when("random")


def test_the_best_so_far_is_worth_its_truth_not_what_was_seen() -> None:
    found = bench(table())
    steps = [Step(3, 1, 10, np.array([0.99])), Step(15, 1, 10, np.array([0.6])), Step(0, 1, 10, None)]
    values, members = best_so_far(found, steps, [5, 10, 30])
    assert np.isnan(values[0])
    assert_allclose(values[1:], found.truth[3][0])
    assert members.tolist() == [0, 1, 3]


def test_a_replay_of_everything_ends_where_the_study_ended_and_repeats_alike() -> None:
    rows = compared(bench(table()), Rules("random", seeds=SEEDS), 3)
    assert rows[-1]["mean"] == rows[-1]["own"] == pytest.approx(0.9)
    again = compared(bench(table()), Rules("random", seeds=SEEDS), 3)
    assert_allclose([list(row.values()) for row in again], [list(row.values()) for row in rows])


def test_an_interval_holds_the_mean_and_stays_within_what_was_found() -> None:
    values = np.array([[0.0], [1.0], [1.0], [1.0]])
    low, high = interval(values)
    assert 0 <= low[0] < 0.75 < high[0] <= 1


@pytest.mark.parametrize(
    ("sampler", "halving", "seeds", "said"),
    [("tpx", None, 1, "did you mean tpe"), ("tpe", "3:2", 1, "--halving"), ("tpe", "x", 1, "--halving"), ("tpe", None, 0, "--seeds")],
)
def test_options_at_fault_are_named(sampler: str, halving: str | None, seeds: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        rules_of(sampler, halving, seeds, 8)
    with pytest.raises(UserError, match="at most 3"):
        compared(bench(table()), Rules("tpe", seeds=4), 3)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two methods, its groups named as they were asked."""
    home = tmp_path_factory.mktemp("studies")
    synthetic.study(home / "known", {"erm": 1, "sam": 12, "g-mix": 12}, synthetic.WORLD._replace(rungs=(10,), group=4, examples=40))
    names = ["erm-0", "g-mix-0", "sam-0", "sam-1", "g-mix-1", "g-mix-2", "sam-2"]
    for number, name in enumerate(names, start=1):
        file = home / "known/evidence" / f"{name.replace('-', '-0000') if 'mix' not in name else f'g-mix-0000{name[-1]}'}.parquet"
        file.rename(file.with_name(f"{name[:-2]}-{number:04d}.parquet"))
    return home


def changed(finished: Path, tmp_path: Path, **changes: object) -> str:
    """A copy of the study with another intent."""
    shutil.copytree(finished / "known", tmp_path / "known")
    file = tmp_path / "known/study.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes, sort_keys=False))
    return str(tmp_path)


def test_the_studys_own_course_is_in_the_order_in_which_its_groups_were_asked(finished: Path) -> None:
    bench = benchmark("known", str(finished))
    configurations = load(f"{finished}/known").configurations
    methods = [str(configurations.loc[step.key, "method"]) for step in bench.own]
    assert methods == ["erm", *["g-mix"] * 4, *["sam"] * 8, *["g-mix"] * 8, *["sam"] * 4]
    numbers = [int(str(configurations.loc[step.key, "configuration"])) for step in bench.own]
    assert numbers == [0, *range(4), *range(8), *range(4, 12), *range(8, 12)]
    assert bench.together == 4
    assert bench.epochs == sum(step.epochs for step in bench.own) == 3 * (30 + 2 * (5 * 30 + 7 * 10))


def test_a_table_has_what_was_trained_to_the_end_and_lies_in_the_ranges_of_now(finished: Path, tmp_path: Path) -> None:
    whole = benchmark("known", str(finished))
    assert [(rows.space.name, len(rows.keys), rows.scores.shape[1:], rows.course.shape[1:]) for rows in whole.rows] == [
        ("erm", 1, (3, 3), (3, 30, 2)),
        ("sam", 5, (3, 3), (3, 30, 2)),
        ("g-mix", 5, (3, 3), (3, 30, 2)),
    ]
    rhos = sorted(params["rho"] for params in whole.rows[1].params)
    methods = {"sam": {"rho": [rhos[1], rhos[3]]}, "g-mix": {"alpha": [0.05, 4.0], "rho": [0.01, 0.5]}}
    narrow = benchmark("known", changed(finished, tmp_path, methods=methods))
    assert sorted(params["rho"] for params in narrow.rows[1].params) == rhos[1:4]
    assert_allclose(whole.rows[1].scores.mean(axis=1), [whole.truth[key] for key in whole.rows[1].keys])


def test_curves_with_gaps_go_on_from_the_value_before_and_begin_at_nothing() -> None:
    curves = [{"accuracy": np.array([[np.nan, 0.5, np.nan], [0.2, 0.3, 0.4]])}, {"accuracy": np.array([[0.1], [0.6]])}]
    course = _course(curves, ["accuracy", "stability"], seeds=2, epochs=3)
    assert_allclose(course[..., 0], [[[0, 0.5, 0.5], [0.2, 0.3, 0.4]], [[0.1, 0.1, 0.1], [0.6, 0.6, 0.6]]])
    assert_allclose(_course(curves, ["stability"], seeds=1, epochs=1)[..., 0], [[[0]], [[0.1]]])


def test_a_study_of_which_some_could_not_be_trained_is_replayed_without_them(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = changed(finished, tmp_path, budget={"configurations": 13})
    monkeypatch.setattr("altiplano.replaying.status", lambda name, home: SimpleNamespace(complete=True))
    assert benchmark("known", more).truth.keys() == benchmark("known", str(finished)).truth.keys()


def test_what_cannot_be_replayed_is_refused_with_what_is_there(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such study"):
        benchmark("unknown", str(finished))
    more = changed(finished, tmp_path, budget={"configurations": 13})
    with pytest.raises(UserError, match=r"^known: a study must be finished to be replayed, has 25 of 27 configurations; resume it"):
        benchmark("known", more)
    synthetic.study(tmp_path / "few", {"erm": 1, "sam": 4}, synthetic.WORLD._replace(examples=20))
    with pytest.raises(UserError, match=r"^few: a replay needs 8 configurations trained to the end, found 5; replay a larger study"):
        benchmark("few", str(tmp_path))
    with pytest.raises(UserError, match="--repeats must be at least 2"):
        compared(benchmark("known", str(finished)), Rules("random"), 1)


def test_a_sampler_that_never_leaves_its_start_up_is_said_to_draw_evenly(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert unlearned(table(), Rules("tpe")) == []
    assert unlearned([table()[0]._replace(keys=list(range(10)))], Rules("tpe")) == ["sam"]
    assert unlearned([table()[0]._replace(keys=list(range(4)))], Rules("nsga2")) == ["sam"]
    assert unlearned([table()[0]._replace(keys=list(range(4)))], Rules("random")) == []
    assert run(["replay", "known", "--home", str(finished), "--repeats", "2", "--json"]) == 0
    assert capsys.readouterr().err.startswith("tpe draws as random does throughout sam, g-mix")

"""The search benchmark's rows, from studies that need not be run."""

import argparse

import numpy as np
import pytest
import yaml

from altiplano.replaying import Benchmark
from benchmarks import search
from search.replay import Rows, Step
from search.study import Study

OPTIONS = argparse.Namespace(configurations=16, seeds=2, epochs=4, repeats=3, together=4)


def bench(level: float) -> Benchmark:
    """Sixteen configurations, each a little better than the one before, the best at `level` in every objective."""
    space = Study.model_validate(search.study("random", OPTIONS)).spaces["g-mix"]
    rows, epochs = 16, OPTIONS.epochs
    reached = np.linspace(level - 0.3, level, rows)
    scores = np.repeat(np.repeat(reached[:, None, None], OPTIONS.seeds, axis=1), 3, axis=2)
    params = [{name: domain.low + (domain.high - domain.low) * row / rows for name, domain in space.domains.items()} for row in range(rows)]
    kept = [{name: one[name] for name in space.distributions} for one in params]
    table = Rows(space, list(range(rows)), kept, scores, np.repeat(scores[:, :, None, :2], epochs, axis=2))
    truth = {row: scores[row].mean(axis=0) for row in range(rows)}
    own = [Step(row, OPTIONS.seeds, OPTIONS.seeds * epochs, truth[row]) for row in range(rows)]
    return Benchmark([table], ["accuracy", "tail", "stability"], rows * OPTIONS.seeds * epochs, truth, own, 4)


def test_every_ways_study_file_is_a_study_and_only_one_halves():
    studies = {way: Study.model_validate(yaml.safe_load(yaml.safe_dump(search.study(way, OPTIONS)))) for way in search.WAYS}
    assert {way: (one.sampler, bool(one.halving.rungs)) for way, one in studies.items()} == search.WAYS
    assert {one.group for one in studies.values()} == {OPTIONS.seeds * OPTIONS.together}


def test_ways_are_judged_by_what_all_of_them_have_found_together():
    found = {"tpe, halving": bench(0.9), "tpe": bench(0.7), "random": bench(0.6)}
    last = {row["way"]: row["mean"] for row in search.live(found) if row["epochs"] == found["random"].epochs}
    middle = float(np.median(np.concatenate([np.linspace(level - 0.3, level, 16) for level in (0.9, 0.7, 0.6)])))
    assert last["tpe, halving"] == pytest.approx(1.0)
    assert last["tpe"] == pytest.approx(((0.7 - middle) / (0.9 - middle)) ** 3)
    assert last["random"] == pytest.approx((max(0.6 - middle, 0) / (0.9 - middle)) ** 3, abs=1e-9)


def test_replays_end_with_the_whole_table_unless_they_drop_some():
    rows = search.replayed(bench(0.9), OPTIONS)
    ends = {row["way"]: row for row in rows}
    assert ends["tpe"]["mean"] == ends["random"]["mean"] == pytest.approx(1.0)
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert ends["random"]["members"] == 16 * OPTIONS.seeds

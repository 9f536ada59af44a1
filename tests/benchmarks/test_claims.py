"""The claims' verdicts follow from their rule, the pages say what was found, and every study that a page reads is there."""

import functools
import json

import numpy as np
import pandas as pd
import pytest

from analysis.ranking import ranking
from analysis.table import load
from analysis.words import NONE
from benchmarks.claims import __main__ as program
from benchmarks.claims import evidence, radius
from benchmarks.claims.campaign import STUDIES
from benchmarks.claims.catalogue import CLAIMS
from benchmarks.claims.claim import FAILS, HOLDS, OPEN, Claim, Part, Statement, always, everywhere
from benchmarks.claims.evidence import Evidence
from benchmarks.claims.index import BEGIN, END, index
from benchmarks.claims.page import page
from benchmarks.claims.verdict import findings, judge, together
from search import Study
from tests.analysis import synthetic
from trainables.draws import stream

SEEDS = 10


def study(**gains):
    """A study whose methods lie so far above erm in accuracy, in shares; seeds shift all methods alike, and .002 of each is its own."""
    draws = stream(0, "claims")
    common = draws.normal(0, 0.02, SEEDS)
    rows = []
    for method, gain in {"erm": 0.0, **gains}.items():
        values = 0.9 + gain + common + 0.002 * _standardised(draws.normal(size=SEEDS))
        rows += [
            {"method": method, "seed": seed, "accuracy": value, "tail": value - 0.1, "stability": value, "weight_norm": 10 * value}
            for seed, value in enumerate(values)
        ]
    chosen = pd.DataFrame(
        {"method": ["erm", *gains], "configuration": 0, "knobs": "", "accuracy": [0.9, *(0.9 + g for g in gains.values())]}
    )
    return Evidence("one", chosen, pd.DataFrame(rows), {"packages": {"torch": "2"}, "revision": "abcdefghi"}, 90.0)


def _standardised(values):
    return (values - values.mean()) / values.std(ddof=1)


def verdict_of(part, **gains):
    return findings([part], {"one": study(**gains)})[0].verdict


@pytest.mark.parametrize(
    ("gain", "noise", "verdict"),
    [(0.02, 0.0, HOLDS), (-0.02, 0.0, FAILS), (0.0, 0.0, FAILS), (0.002, 0.01, OPEN)],
    ids=["better", "worse", "certainly alike", "perhaps better"],
)
def test_a_gain_holds_if_certain_and_fails_if_too_small_to_matter(gain, noise, verdict):
    (found,) = findings([Part("one", "mixup", "erm")], {"one": noisier(study(mixup=gain), noise)})
    assert found.verdict == verdict
    assert found.low < found.gain < found.high


def noisier(one, size):
    """The study with more of each member's own in mixup's accuracy, of mean 0."""
    rows = one.members["method"] == "mixup"
    members = one.members.copy()
    members.loc[rows, "accuracy"] += size * _standardised(stream(1, "more").normal(size=SEEDS))
    return one._replace(members=members)


def test_seeds_are_paired_by_number_and_not_by_place():
    one = study(mixup=0.01)
    shuffled = one._replace(members=one.members.sample(frac=1, random_state=3))
    part = [Part("one", "mixup", "erm")]
    assert findings(part, {"one": shuffled})[0] == findings(part, {"one": one})[0]
    turned = one._replace(members=one.members.assign(seed=[*range(SEEDS), *range(1, SEEDS), 0]))
    (right,), (wrong,) = findings(part, {"one": one}), findings(part, {"one": turned})
    assert wrong.high - wrong.low > 3 * (right.high - right.low)


def test_a_margin_is_kept_or_broken():
    assert verdict_of(Part("one", "lets", "erm", least=-0.01), lets=-0.004) == HOLDS
    assert verdict_of(Part("one", "lets", "erm", least=-0.01), lets=-0.02) == FAILS
    assert verdict_of(Part("one", "lets", "erm", least=-0.01), lets=-0.01) == OPEN


def test_of_a_weight_norm_less_is_better():
    assert verdict_of(Part("one", "softad", "erm", "weight_norm"), softad=-0.05) == HOLDS
    assert verdict_of(Part("one", "softad", "erm", "weight_norm"), softad=0.05) == FAILS


def test_a_method_against_itself_has_no_gain():
    assert verdict_of(Part("one", "sam", "sam"), sam=0.1) == FAILS


def test_more_comparisons_on_a_page_make_each_of_them_harder():
    studies = {"one": noisier(study(mixup=0.008), 0.008)}
    part = Part("one", "mixup", "erm")
    alone, among = findings([part], studies)[0], findings([part] * 40, studies)[0]
    assert among.p_holm == pytest.approx(min(1, 40 * alone.p_holm))
    assert (alone.verdict, among.verdict) == (HOLDS, OPEN)


def test_a_statement_holds_if_all_parts_do_and_fails_with_one():
    assert [together(each) for each in ([HOLDS, HOLDS], [HOLDS, OPEN], [OPEN, FAILS], [])] == [HOLDS, OPEN, FAILS, OPEN]


def test_radii_are_chosen_on_the_selection_split_and_crossed_on_the_test_split():
    gains = {"sam-0.01": 0.0, "sam-1": 0.02}
    near, far = study(**gains)._replace(name="near"), study(**{"sam-0.01": 0.02, "sam-1": 0.0})._replace(name="far")
    assert radius.crossed("near", "far")({"near": near, "far": far}) == [
        Part("near", "sam-1", "sam-0.01"),
        Part("far", "sam-0.01", "sam-1"),
    ]


CLAIM = Claim(
    "mine", "Title", "One sentence.", "Papers.", ("one",), ("accuracy", "tail"),
    (
        Statement("mixup wins", everywhere(("one",), "mixup", "erm"), {HOLDS: "It did.", FAILS: "It did not."}),
        Statement("sam wins", always(Part("one", "sam", "erm", "tail"))),
    ),
)  # fmt: skip


def test_a_page_says_what_was_judged_and_shows_the_reading_of_its_verdict_alone():
    studies = {"one": study(mixup=0.02, sam=-0.02)}
    text = page(CLAIM, studies, judge(CLAIM, studies), "a processor", "2026-01-01")
    assert "Verdict: **does not hold** (of 2 statements 1 holds, 1 does not hold)." in text
    assert "| mixup wins | **holds** |" in text
    assert "| sam wins | **does not hold** |" in text
    assert "It did.\n" in text
    assert "It did not." not in text
    assert "| one | mixup against erm | mean accuracy | +2.00 |" in text
    assert "| one | sam against erm | tail score | \N{MINUS SIGN}2.00 |" in text
    assert "1.5 min of training on a processor, torch 2, revision abcdefg; written 2026-01-01" in text
    mean = 100 * studies["one"].values("mixup", "accuracy").mean()
    assert f"| mixup | {NONE} | {SEEDS} | {mean:.1f} ± " in text


def test_the_index_replaces_a_claims_line_and_leaves_the_rest(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"# Mine\n\nBy hand.\n\n{BEGIN}\n\n| [tails](tails.md) | old | x |\n\n{END}\n\nAlso by hand.\n")
    won, lost = ({"one": study(mixup=gain, sam=0.02)} for gain in (0.02, -0.02))
    first = CLAIM._replace(name=next(iter(CLAIMS)))
    index(path, first, judge(first, won))
    index(path, first, judge(first, lost))
    text = path.read_text()
    assert text.startswith("# Mine\n\nBy hand.\n")
    assert text.endswith("\n\nAlso by hand.\n")
    assert text.count(f"| [{first.name}]") == 1
    assert "**does not hold**" in text
    assert text.index(f"| [{first.name}]") < text.index("| [tails]")
    path.write_text("# Nothing\n")
    with pytest.raises(ValueError, match="put them back"):
        index(path, first, judge(first, won))


@functools.cache
def read(name):
    """A study of the claims; checking one takes a while."""
    return Study.read(STUDIES / f"{name}.yaml")


@pytest.mark.parametrize("name", CLAIMS)
def test_every_study_of_a_claim_is_there_and_has_the_methods_that_it_compares(name):
    for one in CLAIMS[name].studies:
        assert read(one).name == one
        assert read(one).confirm.seeds >= 10
    fakes = {one: study(**dict.fromkeys(read(one).methods, 0.0)) for one in CLAIMS[name].studies}
    parts = [part for statement in CLAIMS[name].statements for part in statement.parts(fakes)]
    assert parts
    for part in parts:
        assert {part.method, part.other} <= set(fakes[part.study].methods)


def test_pages_are_written_from_a_confirmed_study(tmp_path, capsys, monkeypatch):
    counts = {"erm": 1, "mixup": 4}
    synthetic.study(tmp_path / "before", counts)
    frame = ranking(load(str(tmp_path / "before"))).frame.groupby("method").head(1)
    best = [(str(method), int(number)) for method, number in zip(frame["method"], frame["configuration"], strict=True)]
    others = {("mixup", number): 4 for number in range(4)} | dict.fromkeys(best, 10)
    synthetic.study(tmp_path / "one", counts, confirm=others)
    claim = CLAIM._replace(name="label-noise", statements=CLAIM.statements[:1])
    monkeypatch.setitem(program.CLAIMS, "label-noise", claim)
    out = tmp_path / "out"
    assert program.main(["label-noise", "--pages", "--home", str(tmp_path), "--out", str(out)]) == program.DONE
    assert capsys.readouterr().out.strip() == str(out / "label-noise.md")
    (found,) = json.loads((out / "figures" / "label-noise.json").read_text())
    assert found["seeds"] == 10
    members = load(str(tmp_path / "one")).confirmed.members
    means = [members[(members["method"] == method) & (members["configuration"] == number)]["accuracy"].mean() for method, number in best]
    by_name = dict(zip([method for method, _ in best], means, strict=True))
    assert found["gain"] == pytest.approx(by_name["mixup"] - by_name["erm"])
    assert (out / "figures" / "label-noise.png").stat().st_size > 5000
    assert program.main(["label-noise", "--pages", "--home", str(tmp_path / "nowhere"), "--out", str(out)]) == program.AT_FAULT
    assert "nowhere" in capsys.readouterr().err


def test_the_last_value_of_a_curve_is_a_figure_of_its_member(tmp_path, monkeypatch):
    synthetic.study(tmp_path / "one", {"erm": 1}, confirm={("erm", 0): 4})
    monkeypatch.setattr(evidence, "LAST", ("risk", "radius"))
    members = evidence.read(str(tmp_path / "one")).members
    np.testing.assert_allclose(members["risk"], 0.7 * members["loss"], rtol=1e-5)
    assert members["radius"].isna().all()

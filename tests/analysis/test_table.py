"""Evidence as frames: what counts, what is passed over, and what was trained twice."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

from analysis import findings, load, rank, reading, report
from tests.analysis import synthetic
from trainables import evidence, scores
from trainables.evidence import COLLAPSED, COMPLETE, DIVERGED, FAILED, PRUNED, Evidence

N = 40
Y = np.arange(N) % 4


def member(
    number: int, seed: int, *, status: str = COMPLETE, epochs: int = 6, method: str = "mixup", wrong: int = 5, **more: float
) -> Evidence:
    """A member that gets its first `wrong` examples wrong; nothing predicted where it failed."""
    predictions = np.where(np.arange(N) < wrong, (Y + 1) % 4, Y).astype(np.int16)
    if status in FAILED:
        predictions[:] = -1
    truth = scores.Truth(Y, np.zeros(N, int), 4)
    return Evidence(
        study="s",
        method=method,
        configuration=number,
        seed=seed,
        group="g",
        status=status,
        epochs=epochs,
        split="selection",
        knobs={"alpha": 0.1 * (number + 1), "lr": 0.1},
        accuracy=more.get("accuracy", scores.accuracy(predictions, truth)),
        tail=more.get("tail", scores.worst_class(predictions, np.ones(N), truth)),
        loss=1.0,
        seconds=2.0,
        device="cpu",
        losses=np.ones(N, np.float32),
        predictions=predictions,
        curves={"accuracy": np.arange(epochs, dtype=np.float32) / 10, "sharpness": np.full(epochs, np.nan, np.float32)},
    )


def written(home: Path, *groups: list[Evidence]) -> Path:
    """A study's folder with one evidence file a group."""
    (home / "evidence").mkdir(parents=True)
    (home / "splits").mkdir()
    truth = scores.Truth(Y, np.zeros(N, int), 4)
    (home / "splits" / "selection.npz").write_bytes(evidence.truth_to_bytes(truth, list("abcd"), np.zeros((N, 0), np.uint8)))
    for place, group in enumerate(groups):
        evidence.write(group, str(home / "evidence" / f"g{place}.parquet"))
    return home


def test_what_a_worker_writes_is_read(tmp_path: Path) -> None:
    table = load(str(written(tmp_path / "s", [member(0, seed, wrong=seed) for seed in range(3)], [member(1, seed) for seed in range(3)])))
    assert len(table) == 2
    assert table.members["seed"].tolist() == [0, 1, 2, 0, 1, 2]
    assert_allclose(table.members["accuracy"], [1, 1 - 1 / N, 1 - 2 / N, *[1 - 5 / N] * 3])
    assert_allclose(table.knobs["alpha"], [0.1, 0.2])
    assert table.configurations["seconds"].tolist() == [6.0, 6.0]
    assert table.turned == {"mixup": ["alpha"]}
    assert_allclose(table.members.groupby("key")["stability"].mean(), [1 - (1 + 2 + 1) / 3 / N, 1])
    assert_allclose(table.configurations["noise"], [(2 * (2 / 9) * 1.5) / N**2, 0], atol=1e-12)
    assert table.wrong["mixup"][:6].tolist() == [5, 4, 3, 3, 3, 0]
    assert "2 configurations of 1 methods" in repr(table)
    assert "<table" in table._repr_html_()


def test_seeds_added_in_a_later_group_join_their_configuration(tmp_path: Path) -> None:
    first = [member(number, seed, wrong=number + seed) for number in range(3) for seed in range(2)]
    later = [member(number, seed, wrong=number + seed) for number in (2, 0) for seed in (2, 3)]
    table = load(str(written(tmp_path / "s", first, later)))
    assert table.configurations["seeds"].tolist() == [4, 2, 4]
    right = np.arange(N) >= (0 + np.arange(4))[:, None]
    predictions = np.where(right, Y, (Y + 1) % 4)
    assert_allclose(table.members[table.members["key"] == 0]["stability"].mean(), scores.stability(predictions))


def test_a_member_trained_twice_counts_once_as_trained_furthest(tmp_path: Path) -> None:
    table = load(str(written(tmp_path / "s", [member(0, 0, epochs=3, wrong=20), member(0, 1)], [member(0, 0, epochs=6, wrong=2)])))
    assert len(table.members) == 2
    assert_allclose(table.members["accuracy"], [1 - 2 / N, 1 - 5 / N])


def test_a_diverged_member_counts_at_chance_level_even_if_its_scores_are_nan(tmp_path: Path) -> None:
    broken = member(0, 1, status=DIVERGED, accuracy=float("nan"), tail=float("nan"))
    table = load(str(written(tmp_path / "s", [member(0, 0), broken, member(0, 2)])))
    assert_allclose(table.members["accuracy"], [1 - 5 / N, 0.25, 1 - 5 / N])
    assert table.configurations.loc[0, "failures"] == 1
    assert_allclose(table.members["stability"].mean(), 1 / 3)
    assert len(findings.predictions_of(table, 0)) == 2


def test_who_failed_made_no_predictions_and_so_no_wrong_ones(tmp_path: Path) -> None:
    some = [member(0, 0), member(0, 1, status=DIVERGED), member(0, 2), *(member(1, seed, status=COLLAPSED) for seed in range(3))]
    table = load(str(written(tmp_path / "s", some)))
    assert table.wrong["mixup"].tolist() == [2] * 5 + [0] * (N - 5)


def test_configurations_dropped_at_a_rung_are_kept_apart(tmp_path: Path) -> None:
    dropped = [member(1, seed, status=PRUNED, epochs=2) for seed in range(3)]
    mixed = [member(2, 0, status=PRUNED, epochs=2), member(2, 1, status=DIVERGED, epochs=1), member(2, 2, status=PRUNED, epochs=2)]
    table = load(str(written(tmp_path / "s", [member(0, seed) for seed in range(3)] + dropped + mixed)))
    assert table.configurations["state"].tolist() == ["complete", "dropped", "dropped"]
    assert len(table) == 1
    assert table.configurations["epochs"].tolist() == [6, 2, 2]
    assert (table.wrong["mixup"][:5] == 3).all()


def test_a_seed_dropped_at_a_rung_does_not_count_beside_finished_ones(tmp_path: Path) -> None:
    table = load(str(written(tmp_path / "s", [member(0, 0), member(0, 1)], [member(0, 2, status=PRUNED, epochs=2, wrong=30)])))
    assert table.configurations["state"].tolist() == ["complete"]
    assert table.configurations["seeds"].tolist() == [2]
    assert table.members["scored"].tolist() == [True, True, False]
    assert_allclose(rank(table)["accuracy"], 1 - 5 / N)


def test_a_broken_file_is_passed_over_and_named(tmp_path: Path) -> None:
    home = written(tmp_path / "s", [member(0, seed) for seed in range(3)])
    (home / "evidence" / "broken.parquet").write_bytes(b"PAR1 no")
    (home / "evidence" / "notes.txt").write_text("mine")
    other = pq.read_table(home / "evidence" / "g0.parquet").replace_schema_metadata({b"altiplano-evidence": b"99"})
    pq.write_table(other, home / "evidence" / "g9.parquet")
    table = load(str(home))
    assert len(table) == 1
    assert [note.split(" was passed over")[0] for note in table.notes] == ["broken.parquet", "g9.parquet"]
    assert "version 1, found version 99" in table.notes[1]


def test_a_home_at_a_url_is_read_like_a_folder(digits: Path) -> None:
    there = load(f"file://{digits}")
    assert_allclose(there.members["accuracy"], load(str(digits)).members["accuracy"])


def test_a_home_in_memory_is_read_too(digits: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.put(str(digits / "evidence"), "/homes/digits/evidence", recursive=True)
    memory.put(str(digits / "splits"), "/homes/digits/splits", recursive=True)
    table = load("memory://homes/digits")
    assert not table.home.is_local
    assert_allclose(table.members["stability"], load(str(digits)).members["stability"])
    with pytest.raises(ValueError, match="name a folder with out"):
        report("memory://homes/digits")


def test_a_study_file_that_is_none_is_refused(digits: Path, tmp_path: Path) -> None:
    home = tmp_path / "s"
    shutil.copytree(digits, home, ignore=shutil.ignore_patterns("report"))
    for text in ("a: [1", "- 1\n"):
        (home / "study.yaml").write_text(text)
        with pytest.raises(ValueError, match="restore the file that launch wrote"):
            load(str(home))


def test_confirmed_configurations_are_the_same_numbers(digits: Path) -> None:
    table = load(str(digits))
    assert table.confirmed is not None
    assert table.confirmed.split == "test"
    found = table.confirmed.configurations[["method", "configuration", "seeds"]].to_numpy().tolist()
    assert ["erm", 0, 7] in found
    assert table.confirmed.turned == table.turned


def test_curves_are_those_of_the_members_asked_for(tmp_path: Path) -> None:
    home = written(tmp_path / "s", [member(0, 0), member(0, 1, status=DIVERGED, epochs=3), member(1, 0), member(1, 1)])
    found = findings.curves_of(load(str(home)), [0, 1])
    assert_allclose(found[0]["accuracy"], [np.arange(6) / 10, [0, 0.1, 0.2, *[np.nan] * 3]], atol=1e-6)
    assert found[1]["accuracy"].shape == (2, 6)
    assert "sharpness" not in found[0]
    whole = evidence.read(str(home / "evidence" / "g0.parquet"))
    some = reading.curves_of(reading.home_at(str(home)), str(home / "evidence" / "g0.parquet"), [3, 1])
    assert_allclose(some[0]["accuracy"], whole[3].curves["accuracy"])
    assert_allclose(some[1]["accuracy"], whole[1].curves["accuracy"])


def test_synthetic_evidence_is_what_the_schema_says(digits: Path) -> None:
    """The fast writer of the tests and the worker's writer make files that read alike."""
    for path in sorted((digits / "evidence").iterdir())[:2]:
        for one in evidence.read(str(path)):
            truth = evidence.read_truth(str(digits / "splits" / "selection.npz"))[0]
            assert_allclose(one.accuracy, scores.accuracy(one.predictions, truth))
            assert_allclose(one.tail, scores.worst_class(one.predictions, one.losses, truth))
            assert {len(values) for values in one.curves.values()} == {one.epochs}
    assert synthetic.METHODS["g-mix"] == ("alpha", "rho")

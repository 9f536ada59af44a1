"""What TensorBoard and MLflow read back is what the members left, once each."""

import shutil
import sys

import numpy as np
import pytest
import yaml

from altiplano.main import run
from altiplano.options import AT_FAULT, DONE
from altiplano.tracking.trackers import TensorBoard
from analysis import load, reading
from tests.analysis import synthetic


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A study of four configurations, two seeds each, some of which diverged, one of them confirmed with fresh seeds."""
    folder = tmp_path_factory.mktemp("tracked")
    world = synthetic.World(examples=60, epochs=4, seeds=2, failure=0.3)
    synthetic.study(folder / "small", {"erm": 1, "g-mix": 3}, world, confirm={("g-mix", 2): 2})
    return folder


def left(home):
    """(member, knobs, curves) of every member of the study by its run's name, as the evidence has them."""
    table, found = load(str(home / "small")), {}
    for part, behind in ((table, ""), (table.confirmed, "-test")):
        for _, member in part.members.iterrows():
            (curves,) = reading.curves_of(part.home, part.paths[member["file"]], [member["row"]])
            name = f"{member['method']}-{member['configuration']:04d}-seed{member['seed']}{behind}"
            found[name] = member, part.knobs.loc[member["key"]].dropna().to_dict(), curves
    assert len(found) == 10
    assert {"diverged", "complete"} <= {member["status"] for member, _, _ in found.values()}
    return found


def as_points(curve):
    return [(epoch, float(value)) for epoch, value in enumerate(curve, start=1) if np.isfinite(value)]


def test_tensorboard_reads_every_members_curves_knobs_and_scores(home, tmp_path, capsys):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert run(["track", "small", "--home", str(home), "--to", "tensorboard", "--into", str(tmp_path)]) == DONE
    assert f"10 runs written, 10 in all {tmp_path} look: tensorboard --logdir {tmp_path}" == " ".join(capsys.readouterr().out.split())
    members = left(home)
    assert {path.name for path in tmp_path.iterdir()} == set(members)
    for name, (member, knobs, curves) in members.items():
        read = accumulator.EventAccumulator(str(tmp_path / name)).Reload()
        shown = {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
        final = {tag: shown.pop(tag)[0][1] for tag in list(shown) if tag.startswith("final/")}
        assert shown == {curve: as_points(values) for curve, values in curves.items() if as_points(values)}
        assert final["final/accuracy"] == pytest.approx(member["accuracy"])
        plugin = read.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        assert all(knob.encode() in plugin for knob in [*knobs, member["method"]])


@pytest.mark.slow
def test_mlflow_reads_every_members_curves_knobs_and_scores(home, tmp_path, capsys):
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path}/tracked.db"
    assert run(["track", "small", "--home", str(home), "--to", "mlflow", "--into", uri]) == DONE
    client = mlflow.MlflowClient(tracking_uri=uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "small"]
    read = {found.info.run_name: found for found in client.search_runs([experiment.experiment_id])}
    members = left(home)
    assert set(read) == set(members)
    for name, (member, knobs, _) in members.items():
        held = read[name]
        assert {knob: float(held.data.params[knob]) for knob in knobs} == knobs
        assert held.data.metrics["final.accuracy"] == member["accuracy"]
        assert held.data.tags["altiplano.status"] == member["status"]
        assert held.info.status == ("FAILED" if member["status"] == "diverged" else "FINISHED")
    name, (_, _, curves) = next((name, left) for name, left in members.items() if left[0]["status"] == "complete")
    history = client.get_metric_history(read[name].info.run_id, "accuracy")
    assert [(point.step, point.value) for point in history] == as_points(curves["accuracy"])
    cut = client.create_run(experiment.experiment_id, run_name="erm-0000-seed0")  # as a kill amid writing would leave it
    client.delete_run(read["erm-0000-seed0"].info.run_id)
    capsys.readouterr()
    assert run(["track", "small", "--home", str(home), "--to", "mlflow", "--into", uri]) == DONE
    assert "1 runs written, 10 in all" in capsys.readouterr().out
    assert client.get_run(cut.info.run_id).info.status == "RUNNING"


def test_only_members_that_have_ended_since_are_added(home, tmp_path, capsys, monkeypatch):
    written, write = [], TensorBoard.write
    monkeypatch.setattr(TensorBoard, "write", lambda self, run: (written.append(run.name), write(self, run)))
    for _ in range(2):
        assert run(["track", "small", "--home", str(home), "--to", "tensorboard", "--into", str(tmp_path)]) == DONE
    assert len(written) == len(set(written)) == 10
    assert "0 runs written, 10 in all" in capsys.readouterr().out


def test_a_run_cut_off_while_it_is_written_is_written_again(home, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("tensorboardX.FileWriter.add_summary", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space left"):
            run(["track", "small", "--home", str(home), "--to", "tensorboard", "--into", str(tmp_path)])
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert run(["track", "small", "--home", str(home), "--to", "tensorboard", "--into", str(tmp_path)]) == DONE
    assert len(list(tmp_path.iterdir())) == 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["small", "--to", "wandb"], "--to must be one of tensorboard, mlflow, got 'wandb'"),
        (["large", "--to", "tensorboard"], "large: there is no such study in"),
        (["small", "--to", "tensorboard", "--into", "/proc/none"], "--into must be a folder that can be written, /proc/none cannot"),
        (["small", "--to", "mlflow", "--into", "wat://x"], "MLflow server or database that answers, wat://x does not: Model registry"),
        (["small", "--to", "mlflow", "--into", "sqlite:////proc/none/x.db"], "sqlite:////proc/none/x.db does not: [Errno 2]"),
    ],
)
def test_what_cannot_be_tracked_is_said_in_a_line(home, capsys, arguments, words):
    assert run(["track", *arguments, "--home", str(home)]) == AT_FAULT
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_password_of_a_tracking_server_is_never_printed(home, capsys, monkeypatch):
    class Deaf:
        def __init__(self, tracking_uri):
            raise OSError(f"cannot connect to {tracking_uri}")

    address = "postgresql://me:secret@127.0.0.1/runs"
    monkeypatch.setattr("mlflow.MlflowClient", Deaf)
    assert run(["track", "small", "--home", str(home), "--to", "mlflow", "--into", address]) == AT_FAULT
    refused = capsys.readouterr().err
    monkeypatch.setattr("altiplano.tracking.handing.hand_over", lambda name, home, to, into: (1, 1, into))
    assert run(["track", "small", "--home", str(home), "--to", "mlflow", "--into", address]) == DONE
    for said in (refused, capsys.readouterr().out):
        assert "postgresql://me@127.0.0.1/runs" in said
        assert "secret" not in said


def test_without_mlflow_its_extra_is_named(home, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert run(["track", "small", "--home", str(home), "--to", "mlflow"]) == AT_FAULT
    assert "pip install 'altiplano[mlflow]'" in capsys.readouterr().err


def test_a_study_can_be_looked_at_where_its_data_are_gone(home, tmp_path, capsys, monkeypatch):
    shutil.copytree(home / "small", tmp_path / "small")
    plain = yaml.safe_load((tmp_path / "small/study.yaml").read_text())
    (tmp_path / "small/study.yaml").write_text(yaml.safe_dump({**plain, "data": {"name": "npz", "path": "gone.npz"}}))
    judged = []
    monkeypatch.setattr("analysis.report", lambda address, **_: (judged.append(address), tmp_path / "index.html")[1])
    monkeypatch.setattr("analysis.compare_studies", lambda addresses, *_: (judged.extend(addresses), tmp_path / "index.html")[1])
    for command in (["report", "small"], ["compare", "small", "small"], ["track", "small", "--to", "tensorboard"]):
        assert run([*command, "--home", str(tmp_path)]) == DONE, capsys.readouterr().err
    assert judged == [str(tmp_path / "small")] * 3

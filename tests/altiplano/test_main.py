"""The command line as a user meets it: exit codes, one line a mistake, nothing created by one."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from altiplano import main
from altiplano.main import run
from altiplano.options import AT_FAULT, DONE, FAILED, STOPPED
from search.storage import opened
from tests.trainables.data.files import write_cifar10

STUDY = """\
name: tiny
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 16}
training: {epochs: 4, batch: 32}
methods: {g-mix: {rho: 5e-2}, softad: {}}
seeds: 2
budget: {configurations: 3}
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return path


def test_a_command_leaves_with_its_code_and_does_not_look_for_garbage_before(monkeypatch):
    monkeypatch.setattr(main, "run", lambda arguments: STOPPED)
    threshold = gc.get_threshold()
    try:
        with pytest.raises(SystemExit, match=str(STOPPED)):
            main.main()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


def test_help_names_every_command_and_the_exit_codes(capsys):
    assert run(["--help"]) == DONE
    shown = capsys.readouterr().out
    for word in ("check", "launch", "resume", "status", "report", "methods", "2 the input is at fault"):
        assert word in shown


def test_help_needs_neither_ray_nor_torch():
    heavy = "{'ray', 'torch', 'optuna'}"
    code = f"import sys; from altiplano.main import run; run(['launch', '--help']); print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"


def test_check_says_how_much_a_study_is(study, capsys):
    assert run(["check", str(study)]) == DONE
    assert "3 methods, 7 configurations x 2 seeds = 14 members of 4 epochs" in capsys.readouterr().out


MISTAKES = {
    "a misspelt key": ("seeds: 2", "seds: 2", ["line 6", "seds", "did you mean seeds?"]),
    "a misspelt method": ("softad: {}", "sofad: {}", ["line 5", "sofad", "softad"]),
    "a misspelt knob": ("rho: 5e-2", "ro: 5e-2", ["line 5", "ro", "rho"]),
    "a range out of bounds": ("rho: 5e-2", "rho: [-1, 0.5]", ["line 5", "rho", "-1"]),
    "a reversed range": ("rho: 5e-2", "rho: [0.5, 0.1]", ["line 5", "rho", "low to high"]),
    "an unknown data set": ("name: digits,", "name: digts,", ["line 2", "digts", "did you mean digits?"]),
    "a method that needs maps": ("softad: {}", "samix: {}", ["line 5", "methods.samix", "use cnn"]),
    "a method that needs groups": ("softad: {}", "sharpdro: {}", ["line 5", "methods.sharpdro", "use sam"]),
    "a partition without a mixing": (
        "softad: {}",
        "lost: {perturbation: bg-mix}",
        ["line 5", "methods.lost", "needs a mixing that mixes", "set mixing to mixup, or use sam without one"],
    ),
    "no YAML at all": ("name: tiny", "name: [", ["line"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["check", "plan", "launch"])
def test_a_mistake_in_the_file_is_named_with_its_line_and_creates_nothing(study, capsys, tmp_path, monkeypatch, command, mistake):
    monkeypatch.chdir(tmp_path)
    right, wrong, said = MISTAKES[mistake]
    study.write_text(STUDY.replace(right, wrong))
    assert run([command, str(study)]) == AT_FAULT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    for word in said:
        assert word in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize("command", ["check", "launch"])
def test_a_broken_data_file_is_named_with_its_offset_and_nothing_is_created(study, capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    batch = tmp_path / "data" / "data_batch_2.bin"
    write_cifar10(batch.parent)
    batch.write_bytes(batch.read_bytes()[:-1000])
    study.write_text(STUDY.replace("name: digits, fraction: 0.2", "name: cifar10, path: data"))
    assert run([command, str(study)]) == AT_FAULT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert f"data_batch_2.bin is truncated: the record at offset {19 * 3073}" in shown.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "tiny.yaml"]


@pytest.mark.parametrize(
    "command", [["resume", "nobody"], ["report", "nobody"], ["status", "nobody"], ["check", "nothing.yaml"], ["methods", "gmix"]]
)
def test_what_is_not_there_is_named_with_what_to_do(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(command) == AT_FAULT
    shown = capsys.readouterr().err
    assert command[1] in shown
    assert len(shown.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["lunch"], ["launch"], ["check", "a.yaml", "--st", "x"], ["resume", "a", "--home"]])
def test_a_misuse_of_the_command_line_ends_with_2(arguments):
    assert run(arguments) == AT_FAULT


def test_plan_forecasts_and_starts_nothing(study, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["plan", str(study)]) == DONE
    shown = capsys.readouterr().out
    for word in ("tiny: about", "of memory a worker", "softad", "3 x 2 seeds", "altiplano launch"):
        assert word in shown
    assert run(["plan", str(study), "--json"]) == DONE
    planned = json.loads(capsys.readouterr().out)
    assert [method["name"] for method in planned["methods"]] == ["erm", "g-mix", "softad"]
    assert planned["seconds"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_study_that_cannot_be_looked_at_hides_no_other(capsys, tmp_path):
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.yaml").write_text(f"name: {name}\nmethods: {{sam: {{}}}}\n")
    with opened(f"sqlite:///{tmp_path}/good/ledger.db"):
        assert run(["status", "--home", str(tmp_path)]) == AT_FAULT
    shown = capsys.readouterr()
    assert "good: 0 of" in shown.out
    assert "bad/ledger.db: there is no such ledger" in shown.err


def test_a_look_at_this_machine_is_not_turned_into_a_clusters_by_rays_variable(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:1")
    assert run(["status", "--home", str(tmp_path)]) == DONE
    assert capsys.readouterr().out.startswith(f"no studies in {tmp_path}")
    assert run(["logs", "tiny"]) == AT_FAULT
    assert "http://127.0.0.1:1: no job server answers there" in capsys.readouterr().err


def test_set_takes_key_and_value(study, capsys):
    assert run(["check", str(study), "--set", "budget.configurations=5", "--set", "seeds=3"]) == DONE
    assert "11 configurations x 3 seeds" in capsys.readouterr().out
    assert run(["check", str(study), "--set", "seeds"]) == AT_FAULT
    assert "KEY=VALUE" in capsys.readouterr().err


def test_an_unwritable_home_is_refused(study, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert run(["launch", str(study), "--home", str(tmp_path / "file")]) == AT_FAULT
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_methods_lists_every_preset_and_describes_one(capsys):
    from trainables.methods import PRESETS

    assert run(["methods"]) == DONE
    shown = capsys.readouterr().out
    assert all(name in shown for name in PRESETS)
    assert run(["methods", "sam"]) == DONE
    shown = capsys.readouterr().out
    assert "2 forward and 2 backward passes, 2.00 times" in " ".join(shown.split())
    assert "arXiv 2010.01412" in shown
    assert "rho" in shown


@pytest.mark.xdist_group("ray")
def test_a_study_is_launched_reported_and_not_launched_twice(study, tmp_path, capsys):
    home = str(tmp_path / "home")
    assert run(["launch", str(study), "--home", home]) == DONE
    assert "7 of 7 configurations" in capsys.readouterr().out
    assert run(["launch", str(study), "--home", home]) == AT_FAULT
    assert "altiplano resume tiny" in capsys.readouterr().err
    assert run(["status", "tiny", "--home", home, "--json"]) == DONE
    assert '"budget": 3' in capsys.readouterr().out
    assert run(["resume", "tiny", "--home", home]) == DONE
    assert run(["confirm", "tiny", "--home", home, "--top", "1", "--seeds", "2"]) == DONE
    shown = capsys.readouterr().out
    assert "2 of 2 configurations, 4 more members on the test split" in shown
    assert "the race is over" in shown
    assert run(["confirm", "tiny", "--home", home, "--top", "1", "--seeds", "2"]) == DONE
    assert "more members" not in capsys.readouterr().out
    assert run(["report", "tiny", "--home", home]) == DONE
    assert (Path(home) / "tiny" / "report" / "index.html").stat().st_size > 10_000
    assert run(["report", "tiny", "--home", home, "--rule", "best"]) == AT_FAULT
    assert run(["export", "tiny", "--home", home, "--rank", "99"]) == AT_FAULT
    assert run(["export", "tiny", "--home", home, "--rank", "2"]) == DONE
    packed = Path(home) / "tiny" / "export" / "rank-2"
    assert run(["check", str(packed / "configuration.yaml")]) == DONE
    assert subprocess.run([sys.executable, str(packed / "use.py")], capture_output=True, check=False).returncode == 0
    assert run(["report", "tiny", "--home", home, "--weights", "mean=x"]) == AT_FAULT


@pytest.mark.xdist_group("ray")
def test_ctrl_c_saves_and_leaves_with_3_and_resume_ends_with_the_budget(study, tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "altiplano", "launch", str(study), "--home", str(home), "--set", "training.epochs=30"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    started = time.monotonic()
    while not list(home.glob("tiny/splits/*.npz")) and time.monotonic() - started < 120:
        time.sleep(0.2)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == STOPPED, err
    assert "altiplano resume tiny" in out
    assert "Traceback" not in err
    assert run(["resume", "tiny", "--home", str(home), "--quiet"]) == DONE
    import optuna

    ended = [
        trial
        for name in ("erm", "g-mix", "softad")
        for trial in optuna.load_study(study_name=f"tiny/{name}", storage=f"sqlite:///{home}/tiny/ledger.db").trials
    ]
    assert len(ended) == 7
    assert {trial.state for trial in ended} == {optuna.trial.TrialState.COMPLETE}


@pytest.mark.xdist_group("ray")
@pytest.mark.parametrize("style", [["--json"], []], ids=["json", "lines"])
def test_a_search_goes_on_when_nobody_reads_what_it_prints_any_more(style, study, tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "altiplano", "launch", str(study), "--home", str(home), *style]
    piped = ["bash", "-o", "pipefail", "-c", '"$@" | head -1', "launch", *command]
    done = subprocess.run(piped, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (DONE, "")
    assert len(done.stdout.splitlines()) == 1
    assert len(list(home.glob("tiny/evidence/*.parquet"))) >= 3


def test_doctor_finds_this_machine_in_order_and_names_a_home_that_is_not(capsys, tmp_path):
    assert run(["doctor", "--home", str(tmp_path / "home")]) == DONE
    shown = capsys.readouterr().out
    assert "FAULT" not in shown
    assert "alone = in a group on" in shown
    (tmp_path / "file").write_text("")
    assert run(["doctor", "--home", str(tmp_path / "file")]) == FAILED
    assert "FAULT" in capsys.readouterr().out


def test_data_lists_the_sets_and_refuses_to_fetch_what_is_not_public(capsys):
    assert run(["data"]) == DONE
    shown = capsys.readouterr().out
    assert "digits" in shown
    assert "altiplano data cifar10 --fetch" in shown
    assert run(["data", "digits", "--fetch"]) == AT_FAULT
    assert "public data sets are" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mnst"], "there is no data set 'mnst'; did you mean mnist?"),
        (["mnst", "--fetch"], "there is no data set 'mnst'; did you mean mnist?"),
        (["--fetch"], "--fetch must have the name of a public data set: mnist, "),
    ],
)
def test_a_data_set_that_is_not_there_is_named_with_the_nearest(capsys, arguments, said):
    assert run(["data", *arguments]) == AT_FAULT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert said in shown.err

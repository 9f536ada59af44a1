"""docs/extending.md, followed as it is written: its files are checked, searched with, ranked and exported."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from altiplano.main import run
from altiplano.options import AT_FAULT, DONE, FAILED
from trainables import methods, plugin
from trainables.contract.bench import usual
from trainables.contract.promises import alone_as_in_a_group, buffers_move_once, ends_stay_finite
from trainables.contract.vocabulary import spoken

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
FILES = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE.read_text(), re.DOTALL))
STRATEGIES = {"spread:mean_and_spread": "criterion", "box:box_sam": "perturbation", "speckle:speckle": "mixing"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the page's files; afterwards nothing of them is imported."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_method_of_ones_own_takes_fifteen_lines_and_keeps_the_contract(folder, name):
    text = FILES[f"{name.partition(':')[0]}.py"]
    assert len([line for line in text.splitlines() if line.strip()]) <= 15
    axes = methods.holding(name)
    assert axes._asdict()[STRATEGIES[name]] == name
    method = methods.make(axes)
    for promise in (spoken, alone_as_in_a_group, buffers_move_once, ends_stay_finite):
        assert promise(usual(), method) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speckle:speckle", "rings:rings"])
def test_doctor_finds_the_pages_examples_in_order(folder, capsys, name):
    assert run(["doctor", "--plugin", name]) == DONE
    shown = capsys.readouterr().out
    assert "FAULT" not in shown
    assert name in shown


def test_doctor_tells_what_is_broken_in_a_sentence(folder, capsys):
    (folder / "broken.py").write_text(
        "from trainables.axes import Criterion\n"
        "def risk(state, hyper, losses):\n"
        "    return losses.mean() if losses.mean() > 0.5 else losses.mean() ** 2\n"
        "def branching() -> Criterion:\n"
        "    return Criterion(risk)\n"
    )
    assert run(["doctor", "--plugin", "broken:branching"]) == FAILED
    shown = " ".join(capsys.readouterr().out.split())
    assert "FAULT" in shown
    assert "nothing may branch on a tensor or make it a Python number; choose with torch.where" in shown
    assert "(broken.py, line 3: return losses.mean() if" in shown


def test_methods_describes_one_of_ones_own(folder, capsys):
    assert run(["methods", "spread:mean_and_spread"]) == DONE
    shown = capsys.readouterr().out
    assert "risk = mean of the losses + spread * their standard deviation." in shown
    assert "0.01 to 1 (log)" in shown
    assert "1 forward and 1 backward pass, 1.00 times" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nowhere:mine", "the module nowhere must be importable, it is not: No module named 'nowhere'; is its folder in PYTHONPATH"),
        ("spread:median", "the module spread must have median"),
        ("syntax:mine", "SyntaxError"),
        ("failing:mine", "ZeroDivisionError: division by zero (failing.py, line 1: 1 / 0)"),
        ("rings:rings", "must give a Mixing, Perturbation, Criterion or Method of trainables.axes"),
    ],
)
@pytest.mark.parametrize("command", ["methods", "check"])
def test_what_cannot_be_used_is_one_clear_line(folder, capsys, command, given, words):
    (folder / "syntax.py").write_text("def mine(:\n")
    (folder / "failing.py").write_text("1 / 0\n")
    study = folder / "one.yaml"
    study.write_text(f"name: one\nmethods:\n  mine: {{criterion: {given}}}\n")
    assert run([command, given if command == "methods" else str(study)]) == AT_FAULT
    shown = capsys.readouterr()
    assert len(shown.err.strip().splitlines()) == 1
    assert "Traceback" not in shown.err
    assert given in shown.err
    if command == "check":
        assert "line 3" in shown.err
    if not (given == "rings:rings" and command == "check"):
        assert words in shown.err


def test_an_installed_package_offers_methods_by_plain_names(folder, capsys, monkeypatch):
    def offered(kind):
        return {"method": {"roomy": "box:box_sam"}, "criterion": {"spreading": "spread:mean_and_spread"}}.get(kind, {})

    monkeypatch.setattr(plugin, "offered", offered)
    assert run(["methods"]) == DONE
    shown = capsys.readouterr().out
    assert "roomy" in shown
    assert "spreading" in shown
    (folder / "one.yaml").write_text("name: one\nmethods:\n  roomy: {half_width: 0.001}\n  mine: {criterion: spreading}\n")
    assert run(["check", "one.yaml"]) == DONE


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_study_of_ones_own_methods_is_searched_ranked_and_exported(folder, capsys):
    changes = {"training.epochs": 2, "budget.configurations": 2, "seeds": 2, "data.fraction": 0.2, "group": 4}
    chosen = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    assert run(["launch", "study.yaml", "--home", "home", *chosen]) == DONE, capsys.readouterr().err
    assert run(["report", "own", "--home", "home"]) == DONE
    page = Path("home/own/report/index.html").read_text()
    assert all(name in page for name in ("speckled-box", "half_width", "spread"))
    recorded = json.loads(Path("home/own/environment.json").read_text())["own"]
    assert set(recorded) == {"box", "speckle", "spread"}
    ranked = Path("home/own/report/ranking.csv").read_text().splitlines()
    place = next(number for number, line in enumerate(ranked) if "speckled-box" in line)
    assert run(["export", "own", "--home", "home", "--rank", str(place), "--out", "packed"]) == DONE
    assert "speckle:speckle" in Path("packed/configuration.yaml").read_text()
    assert run(["check", "packed/configuration.yaml"]) == DONE
    bare = [sys.executable, "-I", str(folder / "packed" / "use.py")]
    assert subprocess.run(bare, capture_output=True, check=False, cwd="/").returncode == 0
    (folder / "spread.py").write_text(FILES["spread.py"] + "# changed\n")
    capsys.readouterr()
    assert run(["resume", "own", "--home", "home"]) == DONE
    assert "spread has changed since the study was launched" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_worker_that_cannot_import_a_module_says_which(folder, capsys):
    (folder / "absent.py").write_text(
        "import sys\n"
        "from trainables.axes import Criterion\n"
        "if 'worker' in sys.argv[0]:\n"
        "    raise ModuleNotFoundError(\"No module named 'absent'\", name='absent')\n"
        "def mine() -> Criterion:\n"
        "    return Criterion(lambda state, hyper, losses: losses.mean())\n"
    )
    (folder / "one.yaml").write_text(
        "name: one\ntraining: {epochs: 2}\nseeds: 2\ndata: {name: digits, fraction: 0.2}\n"
        "budget: {configurations: 1}\nmethods: {mine: {criterion: absent:mine}}\n"
    )
    run(["launch", "one.yaml", "--home", "home"])
    shown = capsys.readouterr()
    assert "absent:mine: the module absent must be importable, it is not" in " ".join((shown.out + shown.err).split())

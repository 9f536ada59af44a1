"""An exported model is the trained one, wherever it is loaded."""

import json
import subprocess
import sys

import pytest

from tests.trainables.test_course import DATA, job, numbers
from trainables.job import Configuration
from trainables.portable import files, trained


@pytest.fixture(scope="module")
def one():
    return job(configurations=[Configuration(4, numbers())], seeds=[5], precision="float32")


@pytest.fixture(scope="module")
def exported(one, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    for name, content in files(one, DATA).items():
        (folder / name).write_bytes(content)
    return folder


def test_the_script_reproduces_the_reported_test_accuracy_without_this_package(exported):
    guard = (
        "import sys; sys.modules['trainables'] = sys.modules['altiplano'] = None; exec(compile(open('use.py').read(), 'use.py', 'exec'))"
    )
    guard = f"__file__ = 'use.py'; {guard}"
    answer = subprocess.run([sys.executable, "-c", guard], cwd=exported, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    reported = json.loads((exported / "about.json").read_text())["test_accuracy"]
    assert answer.stdout.strip() == f"test accuracy {reported:.6f}, reported {reported:.6f}"


def test_the_script_notices_other_weights(exported, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = {name: leaf * -1 for name, leaf in load_file(exported / "weights.safetensors").items()}
    save_file(weights, tmp_path / "weights.safetensors")
    answer = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "reported" in answer.stdout


def test_what_is_exported_scores_as_the_trained_member_does(one, exported):
    about = json.loads((exported / "about.json").read_text())
    course = trained(one, DATA)
    _, predictions = course.run.evaluate(DATA.test)
    assert about["test_accuracy"] == (predictions[0] == DATA.test.y.numpy()).mean()
    assert about["numbers"] == one.configurations[0].numbers


def test_a_member_that_diverges_is_no_export(one):
    wild = job(configurations=[Configuration(1, numbers(lr=1e30))], seeds=[0], precision="float32")
    with pytest.raises(ValueError, match="configuration 1 diverges with seed 0; export another seed"):
        files(wild, DATA)

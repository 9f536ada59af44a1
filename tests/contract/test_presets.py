"""What every preset must keep, whatever it computes."""

import json
import subprocess
import sys

import pytest

from tests.contract.small import TRAINING, bench, data, gap, preset, rows, setting, trained
from trainables import methods, tree
from trainables.contract import promises
from trainables.engine.loop import Run

every_preset = pytest.mark.parametrize("name", methods.PRESETS)


@every_preset
@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
def test_a_preset_keeps_every_promise_of_the_contract(promise, name):
    assert promise(bench(), preset(name)) == []


def test_another_process_trains_the_same_weights():
    script = "import json; from tests.contract.test_presets import fingerprint; print(json.dumps(fingerprint()))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    elsewhere, here = json.loads(answer.stdout.splitlines()[-1]), fingerprint()
    assert elsewhere.keys() == here.keys()
    for name, value in here.items():
        assert elsewhere[name] == pytest.approx(value, rel=1e-10), name


def fingerprint() -> dict[str, float]:
    """One number for the weights of each preset after two epochs."""
    found = {}
    for name in methods.PRESETS:
        method = preset(name)
        run = trained(setting(method), rows(method, configurations=2, seeds=1))
        found[name] = float(tree.dot(run.group.model.params, run.group.model.params))
    return found


def test_knob_names_are_unique_over_the_axes_of_a_preset():
    for name in methods.PRESETS:
        names = [knob.name for knob in preset(name).knobs] + list(TRAINING)
        assert len(names) == len(set(names)), name


def test_a_run_begins_with_different_weights_for_different_seeds():
    method = preset("erm")
    run = Run.begin(setting(method), data(), rows(method, configurations=1, seeds=2))
    assert gap(tree.take(run.group.model.params, 0), tree.take(run.group.model.params, 1)) > 0.01

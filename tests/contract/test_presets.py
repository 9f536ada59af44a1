"""What every preset must keep, whatever it computes."""

import json
import subprocess
import sys

import pytest
import torch

from tests.contract.small import BATCH, STEPS, TRAINING, data, gap, numbers, preset, rows, setting, trained
from trainables import methods, tree
from trainables.axes import Method
from trainables.engine import checkpoint
from trainables.engine.loop import Row, Run
from trainables.perturbation.unperturbed import unperturbed

every_preset = pytest.mark.parametrize("name", methods.PRESETS)


@every_preset
def test_a_member_alone_equals_the_member_in_a_group_of_twelve(name):
    method = preset(name)
    members = rows(method)
    group = trained(setting(method), members)
    for index in (0, 5, 11):
        alone = trained(setting(method), [members[index]])
        assert gap(alone.group, tree.take(group.group, torch.tensor([index]))) < 1e-10


@every_preset
def test_row_order_and_chunks_do_not_matter(name):
    method = preset(name)
    members = rows(method, configurations=3, seeds=2)
    plain = trained(setting(method), members)
    turned = trained(setting(method, chunk=2), members[::-1])
    assert gap(tree.take(turned.group, torch.arange(5, -1, -1)), plain.group) < 1e-10


@every_preset
def test_replayed_steps_equal_mapped_ones(name):
    method = preset(name)
    members = rows(method, configurations=3, seeds=1)
    mapped = trained(setting(method, recorded=False), members)
    replayed = trained(setting(method, recorded=True, chunk=2), members)  # one member by itself and two together
    assert gap(replayed.group, mapped.group) < 1e-10


@every_preset
def test_a_diverged_member_leaves_its_neighbours_alone(name):
    method = preset(name)
    healthy = rows(method, configurations=2, seeds=1)
    broken = Row(9, 0, {**numbers(method), "lr": float("inf")})
    beside = trained(setting(method), [healthy[0], broken, healthy[1]])
    assert beside.healthy() == [True, False, True]
    without = trained(setting(method), healthy)
    assert gap(tree.take(beside.group, torch.tensor([0, 2])), without.group) < 1e-10


@every_preset
def test_a_run_taken_up_from_its_checkpoint_equals_one_never_interrupted(name):
    method = preset(name)
    members, shared = rows(method, configurations=2, seeds=2), setting(method)
    whole = trained(shared, members)
    half = trained(shared, members, epochs=1)
    resumed, _ = checkpoint.unpack(checkpoint.pack(half), shared, data(), members)
    resumed.train_epoch()
    assert gap(resumed.group, whole.group) == 0
    assert resumed.curves == whole.curves


@every_preset
def test_dropped_rows_change_nothing_for_those_that_stay(name):
    method = preset(name)
    members, shared = rows(method, configurations=3, seeds=1), setting(method)
    pruned = trained(shared, members, epochs=1)
    pruned.keep([2, 0])
    pruned.train_epoch()
    whole = trained(shared, members)
    assert gap(pruned.group, tree.take(whole.group, torch.tensor([2, 0]))) < 1e-10


@every_preset
def test_running_statistics_move_once_a_step_and_by_the_unperturbed_pass(name):
    method = preset(name)
    one_step = {"epochs": 1, "batch": 20 if "probe" in method.needs else BATCH * STEPS}
    members = rows(method, configurations=2, seeds=1)
    moved = trained(setting(method, **one_step), members, epochs=1).group.model.buffers
    counts = [leaf for key, leaf in moved.items() if key.endswith("num_batches_tracked")]
    assert counts
    assert all((count == 1).all() for count in counts)
    plain = Method(method.mixing, unperturbed()._replace(needs=method.perturbation.needs), method.criterion)
    assert gap(trained(setting(plain, **one_step), members, epochs=1).group.model.buffers, moved) < 1e-12


@every_preset
def test_both_ends_of_every_knob_stay_finite(name):
    method = preset(name)
    ends = []
    for knob in method.knobs:
        extremes = knob.choices or {*knob.search, knob.search[0] if knob.log else knob.legal[0]}
        ends.extend({**numbers(method), knob.name: end} for end in extremes)
    members = [Row(index, 0, end) for index, end in enumerate(ends)] or rows(method, 1, 1)
    run = trained(setting(method, dtype=torch.float32), members)
    assert run.healthy() == [True] * len(members), [members[i].numbers for i, fine in enumerate(run.healthy()) if not fine]


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

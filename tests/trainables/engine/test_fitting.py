import logging
import subprocess
import sys

import pytest
import torch

from trainables.engine.fitting import fitting

CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore words")


def short_of(most, error=CUDA):
    """A computation that fits with at most so many of 10 rows at a time; it counts what was tried."""
    tried: list[int | None] = []

    def compute(chunk):
        tried.append(chunk)
        if (chunk or 10) > most:
            raise error
        return f"done with {chunk}"

    return compute, tried


def test_what_fits_is_computed_once_and_the_chunk_kept():
    compute, tried = short_of(10)
    assert fitting(compute, None, 10) == ("done with None", None)
    assert fitting(compute, 7, 10) == ("done with 7", 7)
    assert tried == [None, 7]


def test_the_rows_at_a_time_are_halved_until_they_fit_with_a_note(caplog):
    compute, tried = short_of(3)
    with caplog.at_level(logging.WARNING):
        assert fitting(compute, None, 10) == ("done with 3", 3)
    assert tried == [None, 5, 3]
    assert caplog.messages == [
        "out of memory with 10 members at a time, going on with 5 (CUDA out of memory. Tried to allocate 2 GiB)",
        "out of memory with 5 members at a time, going on with 3 (CUDA out of memory. Tried to allocate 2 GiB)",
    ]


def test_a_chunk_larger_than_the_group_is_halved_from_the_groups_size():
    compute, tried = short_of(4)
    assert fitting(compute, 64, 10)[1] == 3
    assert tried == [64, 5, 3]


def test_one_member_that_does_not_fit_is_the_end():
    compute, tried = short_of(0)
    with pytest.raises(MemoryError, match=r"one member alone must fit into memory, it does not .* lower training.batch"):
        fitting(compute, 2, 10)
    assert tried == [2, 1]


def test_other_errors_pass_through_at_once():
    compute, tried = short_of(3, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        fitting(compute, None, 10)
    assert tried == [None]


STARVED = """
import logging, resource, sys
from pathlib import Path
import torch
from trainables import methods, nets
from trainables.data.load import load
from trainables.engine.loop import Row, Run, Setting
from trainables.optimizer import OPTIMIZERS, SCHEDULES
from trainables.training import TRAINING_KNOBS

torch.set_num_threads(1)
logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
data = load("digits")
method = methods.make(methods.PRESETS["sam"])
numbers = {knob.name: knob.default for knob in (*method.knobs, *TRAINING_KNOBS)}

def trained():
    net = nets.build("mlp", data.shape, 10, width=512)
    setting = Setting(method, net, OPTIMIZERS["sgd"](), SCHEDULES["constant"], epochs=1, batch=1024, recorded=False)
    run = Run.begin(setting, data, [Row(0, seed, numbers) for seed in range(16)])
    run.train_epoch()
    run.evaluate(data.selection)
    return run.group.model.params

plenty = trained()
taken = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (int(taken.split()[1]) * 1024 + int(sys.argv[1]),) * 2)
starved = trained()
print(max((plenty[name] - starved[name]).abs().max().item() for name in plenty))
"""


@pytest.mark.slow
def test_a_group_that_runs_out_of_memory_goes_on_in_smaller_parts_to_the_same_weights():
    done = subprocess.run([sys.executable, "-c", STARVED, str(300_000_000)], capture_output=True, text=True, check=True)
    *notes, difference = done.stdout.split("\n")[:-1]
    assert any(note.startswith("out of memory with 16 members at a time, going on with 8") for note in notes)
    assert float(difference) == 0

"""Where results lie."""

import torch

from trainables.engine.layout import laid_out
from trainables.engine.record import record
from trainables.engine.simplify import simplified

X = torch.arange(1000.0)


def layout(function, *inputs, states=0):
    """The memory, what is left to copy, and how many different pieces of memory results lie in."""
    _, recording = record(function, *inputs)
    program = simplified(recording)
    renewals = list(zip(program.outputs[:states], recording.inputs[:states], strict=True))
    memory, copies = laid_out(program, recording, renewals)
    made = {memory.over.get(number, number) for call in program.each for number in call.makes}
    return memory, copies, len({memory.home[number].data_ptr() for number in made})


def chain(x):
    for _ in range(10):
        x = x.exp().flip(0)
    return x


def test_a_result_takes_over_memory_that_is_no_longer_needed():
    assert layout(chain, X)[2] == 3


def test_a_much_smaller_result_does_not():
    assert layout(lambda x: x.flip(0).flip(0)[:600].flip(0).sum(), X)[2] == 3
    assert layout(lambda x: x.flip(0).flip(0)[:400].flip(0).sum(), X)[2] == 4


def test_a_number_by_number_operation_writes_over_its_argument():
    assert layout(lambda x: x.exp().sin().cos() * 1, X)[2] == 2


def test_new_state_is_written_over_the_old_where_nothing_reads_that_any_more():
    memory, copies, _ = layout(lambda w, g: w - g.exp(), X, X + 1, states=1)
    assert len(memory.over) == 1
    assert not copies


def test_new_state_is_copied_where_the_old_is_still_read():
    memory, copies, _ = layout(lambda w, g: (w - g, (w.sin() - g).sum())[::1], X, X + 1, states=1)
    assert not memory.over
    assert len(copies) == 1


def test_state_that_stays_as_it_is_takes_neither():
    memory, copies, _ = layout(lambda w, g: (w, g.exp()), X, X + 1, states=1)
    assert not memory.over
    assert not copies

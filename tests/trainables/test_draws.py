"""Streams depend on what they are asked for and on nothing else."""

import subprocess
import sys

import numpy as np

from trainables.draws import stream, streams


def test_the_same_arguments_give_the_same_numbers_in_another_process():
    script = "from trainables.draws import stream; print(stream(3, 'order', 7).integers(2**40))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(answer.stdout) == stream(3, "order", 7).integers(2**40)


def test_seed_purpose_and_counters_all_matter():
    firsts = [stream(*key).random() for key in [(0, "a"), (1, "a"), (0, "b"), (0, "a", 0), (0, "a", 1)]]
    assert len(set(firsts)) == len(firsts)


def test_asking_twice_starts_the_stream_again():
    ask = streams(5, 2)
    ask("other").random(100)
    np.testing.assert_array_equal(ask("x").random(3), stream(5, "x", 2).random(3))

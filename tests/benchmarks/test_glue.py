"""The study by hand is the study: the same net, the same scores, a true SAM; and the way to a target is read as it says."""

import numpy as np
import pytest
import torch

from benchmarks import by_hand, command, glue
from trainables import nets, scores
from trainables.draws import stream
from trainables.scores import Truth

ONE, OTHER = [(5.0, 0.9), (9.0, 0.97), (12.0, 0.95)], [(50.0, 0.91), (60.0, 0.96)]


def test_the_net_by_hand_is_the_studys():
    own = nets.factory("mlp")((1, 8, 8), 10)
    shapes = [[tuple(weight.shape) for weight in net.parameters()] for net in (own, by_hand.network())]
    assert shapes[0] == shapes[1]


def test_the_scores_by_hand_are_the_studys():
    generator = stream(0, "predictions")
    y = generator.integers(0, 10, 400)
    found = np.where(generator.random((3, 400)) < 0.8, y, generator.integers(0, 10, (3, 400)))
    truth = Truth(y, np.zeros_like(y), 10)
    given = by_hand.scores([torch.from_numpy(one) for one in found], torch.from_numpy(y))
    assert given["accuracy"] == pytest.approx(np.mean([scores.accuracy(one, truth) for one in found]))
    assert given["tail"] == pytest.approx(np.mean([scores.worst_class(one, np.zeros(400), truth) for one in found]))
    assert given["stability"] == pytest.approx(scores.stability(found))


def test_sam_by_hand_climbs_by_rho_along_the_gradient_and_comes_back():
    net = by_hand.network()
    sam = by_hand.SAM(net, torch.optim.SGD(net.parameters(), lr=0.0), 0.3)
    before = torch.cat([weight.detach().flatten().clone() for weight in net.parameters()])
    net(torch.ones(4, 64) * torch.arange(4.0)[:, None]).square().mean().backward()
    gradient = torch.cat([weight.grad.flatten().clone() for weight in net.parameters() if weight.grad is not None])
    sam.ascend()
    moved = torch.cat([weight.detach().flatten() for weight in net.parameters()]) - before
    torch.testing.assert_close(moved, 0.3 * gradient / gradient.norm(), rtol=1e-3, atol=1e-6)
    sam.descend()
    torch.testing.assert_close(torch.cat([weight.detach().flatten() for weight in net.parameters()]), before, rtol=0, atol=1e-6)


def test_an_epoch_of_tensors_shows_each_example_at_most_once_in_whole_batches():
    seen = [y for _, y in by_hand.Tensors(torch.zeros(150, 2), torch.arange(150))]
    assert [len(y) for y in seen] == [64, 64]
    assert len(torch.cat(seen).unique()) == 128


def test_a_target_is_what_both_reach_and_its_time_that_of_the_first_as_good():
    assert glue.lesser_best(ONE, OTHER) == 0.96
    assert [glue.reached(one, 0.96) for one in (ONE, OTHER)] == [9.0, 60.0]
    assert glue.middle(ONE, OTHER) == 0.95


def test_a_study_is_paired_with_those_of_its_round():
    def found(seconds, scores):
        return glue.Found(seconds, 2 * seconds, 100, scores)

    rounds = [
        {"altiplano": found(10.0, ONE), "default": found(80.0, OTHER)},
        {"altiplano": found(20.0, ONE), "default": found(80.0, OTHER)},
    ]
    ours, theirs = glue.identical(rounds)
    assert (ours["times"], theirs["times"], theirs["least"], theirs["most"]) == (1.0, 6.0, 4.0, 8.0)
    final = glue.to_quality(rounds)[0]
    assert (final["target"], final["seconds"], final["altiplano"]) == (0.96, 60.0, 9.0)


def test_a_commands_time_counts_the_processors_of_what_it_starts_and_an_error_is_told():
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 1: pass'])"
    taken = command.timed(["python3", "-c", busy], {})
    assert taken.seconds > 1
    assert 0.5 < taken.processor < 2
    with pytest.raises(RuntimeError, match=r"must end well.*nothing of it"):
        command.timed(["python3", "-c", "raise SystemExit('nothing of it')"], {})

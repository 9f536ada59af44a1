"""The benchmarks run, and their competitors are what they claim to be."""

import json

import numpy as np
import pytest
import torch

from benchmarks import engine, gpu, measure, memory, plain
from trainables import methods
from trainables.draws import stream


def test_engine_prints_and_writes_one_row_a_preset_and_net(tmp_path, capsys):
    rows = engine.main(["--small", "--out", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["rows"] == rows
    assert [(row["preset"], row["by"]) for row in rows] == [("g-mix", "loop"), ("bg-mix", "engine")]
    assert all(row["alone"] > 0 and row["3"] > 0 and 0 < row["peak"] < 1 for row in rows)
    assert found["about"]["torch"] == torch.__version__
    assert "g-mix" in capsys.readouterr().out


def test_memory_says_what_a_member_holds_and_what_a_step_needs(tmp_path):
    erm, sam = memory.main(["--small", "--out", str(tmp_path / "found.json")])
    weights, statistics = 4 * (64 * 128 + 2 * 128 + 128 * 128 + 2 * 128 + 1290), 2 * (2 * 4 * 128 + 8)
    assert erm["alone state KiB"] == erm["group state KiB"] == (2 * weights + statistics) / 1024
    assert sam["alone copies"] > erm["alone copies"] > 3


def test_presets_that_a_net_cannot_host_are_left_out_of_a_measurement():
    data = engine.examples(1)
    left = {
        net: [name for name, axes in methods.PRESETS.items() if not engine.hosts(axes, engine.NETS[net], data)] for net in ("mlp", "cnn")
    }
    assert left == {"mlp": ["automix", "samix", "samix-p"], "cnn": ["samix-p"]}
    assert [name for name, _ in memory._chosen(methods.PRESETS, engine.NETS["cnn"], data)] == list(methods.PRESETS)


@pytest.mark.parametrize("preset", ["erm", "softad", "sam", "asam"])
def test_the_plain_loop_takes_the_engines_step(preset):
    method = methods.make(methods.PRESETS[preset])
    data = engine.examples(1)
    numbers = {**engine.numbers(method), "weight_decay": 0.0, "label_smoothing": 0.0}
    run = engine.begun(method, {"name": "mlp"}, data, 1, recorded=False)
    loop = plain.loop(preset, {"name": "mlp"}, data, numbers)
    run.rows = [run.rows[0]._replace(numbers=numbers)]
    with torch.no_grad():
        for name, weight in loop.net.named_parameters():
            weight.copy_(run.group.model.params[name][0])
    run.train_epoch()
    loop.epoch(data.train.x, data.train.y, engine.BATCH, stream(0, "any order"))
    for name, weight in loop.net.named_parameters():
        torch.testing.assert_close(weight.detach(), run.group.model.params[name][0], rtol=1e-4, atol=1e-6)
    for name, buffer in loop.net.named_buffers():
        torch.testing.assert_close(buffer, run.group.model.buffers[name][0], rtol=1e-4, atol=1e-6)


def test_mixed_labels_weigh_what_their_inputs_do():
    x, y = torch.zeros(8, 1, 6, 6), torch.arange(8)
    x[:] = torch.arange(8.0)[:, None, None, None]
    for mix in (plain.mixup, plain.cutmix):
        mixed, other, ratio = mix(x, y, 0.3, torch.tensor([1, 0, 3, 2, 5, 4, 7, 6]), stream(3, "mix"))
        np.testing.assert_allclose(mixed.mean((1, 2, 3)), ratio * y + (1 - ratio) * other, rtol=1e-5, atol=1e-5)


def test_what_is_compared_takes_turns_and_the_first_round_does_not_count():
    seen = []
    taken = measure.in_turns({name: lambda name=name: seen.append(name) or 2 for name in "ab"}, rounds=3)
    assert "".join(seen) == "abababab"
    assert [len(one) for one in taken.values()] == [3, 3]


def test_the_ratio_is_paired_within_rounds():
    assert measure.ratio([2.0, 40.0, 6.0], [1.0, 10.0, 3.0]) == 2.0


@pytest.mark.slow
def test_without_a_gpu_its_benchmark_says_why_it_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == []
    assert capsys.readouterr().out.startswith("gpu: skipped, since torch sees no CUDA device here")


def test_the_gpu_benchmark_runs_on_a_cpu(tmp_path):
    rows = gpu.main(["--small", "--device", "cpu", "--out", str(tmp_path / "found.json")])
    groups = [(way, size) for way in ("mapped", "replayed") for size in (1, 2)]
    assert [(row["by"], row["members"]) for row in rows] == [("loop", 1), ("processes", 2), *groups]
    assert all(row["ms"] > 0 for row in rows)
    assert all(row["times"] > 0 and row["shared"] > 0 for row in rows if row["by"] in gpu.WAYS)

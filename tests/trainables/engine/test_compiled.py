import shutil

import pytest
import torch

from tests.contract.small import preset, rows, setting, trained
from trainables import tree
from trainables.engine import compiled
from trainables.engine.step import make_step

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, and there is none on PATH")


def assert_same(one, other):
    for (path, left), (_, right) in zip(tree.leaves(one.group), tree.leaves(other.group), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-11, msg=path)
    for left, right in zip(one.curves, other.curves, strict=True):
        assert left.keys() == right.keys()
        assert left["risk"] == pytest.approx(right["risk"], rel=1e-8)


def runs(method, on, epochs=2, configurations=2, **changes):
    """The same run mapped step by step, and compiled."""
    members = rows(method, configurations, 2)
    return [trained(setting(method, on=on, recorded=False, compiled=way, **changes), members, epochs) for way in (False, True)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's compiler still uses it
def test_a_compiled_run_ends_with_the_weights_of_a_plain_one():
    assert_same(*runs(preset("mixup"), "mlp", epochs=1, configurations=1))


def test_what_is_compiled_computes_the_step(monkeypatch):
    """As traced, so that no compiler is waited for."""
    monkeypatch.setattr(torch, "compile", lambda traced, **_: traced)
    assert_same(*runs(preset("g-mix"), "cnn"))


def test_each_size_of_part_and_each_phase_is_compiled_once(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda traced, **_: traced)
    made = []
    original = compiled._compiled
    monkeypatch.setattr(compiled, "_compiled", lambda step, given: (made.append(given[1].batch.y.shape[0]), original(step, given))[1])
    assert_same(*runs(preset("looksam"), "mlp", configurations=3, chunk=4))
    assert sorted(made) == [3, 3]  # six rows are two parts of three; LookSAM's steps are of two kinds


def test_without_a_compiler_the_message_says_so(monkeypatch):
    method = preset("erm")
    step = make_step(method, setting(method).net, setting(method).optimizer)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ValueError, match=r"compile needs a C\+\+ compiler .* leave compile out"):
        compiled.Compiled(step, method, None, "cpu")

"""In processes of their own: what has been imported here depends on the tests before."""

import subprocess
import sys

TRAINED = """
import sys
import torch
from torch.func import grad_and_value, vmap
from trainables.engine.replay import Tape

def step(w, x):
    mixed = vmap(lambda row, order: row[order])(x, x.argsort(1))
    gradient, loss = vmap(grad_and_value(lambda w, x: (w * x).sin().sum()))(w["w"], mixed)
    return {"w": w["w"] - gradient}, {"loss": loss}

state, x = {"w": torch.ones(3, 2)}, torch.rand(3, 2)
want, _ = step(state, x)
Tape(step, state, x).bound(state)()
assert torch.allclose(state["w"], want["w"])
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
"""

COMPILED = """
print(torch.compile(lambda x: 2 * x, backend="eager")(torch.ones(1)).item(), torch._dynamo is sys.modules["torch._dynamo"])
torch._dynamo.compiled_autograd._disable
print(vmap(grad_and_value(lambda w: w * w))(torch.ones(2))[0].tolist())
"""


def printed(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def test_training_and_recording_import_no_compiler_nor_what_it_computes_with_and_compiling_does():
    assert printed(TRAINED + COMPILED) == ["False False", "2.0 True", "[2.0, 2.0]"]


def test_a_stand_in_gives_what_is_asked_of_it_by_importing_the_module():
    asked = "import sys, torch, trainables.engine\nprint(torch._dynamo.config.__name__, torch._dynamo is sys.modules['torch._dynamo'])"
    assert printed(asked) == ["torch._dynamo.config True"]

"""A trained member for use elsewhere: an exported program and weights that plain PyTorch loads, without this package."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables import nets, scores, tree
from trainables.axes import Model
from trainables.course import Course, truth_of
from trainables.data.examples import Data
from trainables.job import Job

SCRIPT = '''\
"""Load the exported model with plain PyTorch and check it on the test split. Needs torch, numpy and safetensors."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

here = Path(__file__).parent
about = json.loads((here / "about.json").read_text())

model = torch.export.load(here / "model.pt2").module()  # takes inputs as in test.npz: (batch, *about["shape"])
model.load_state_dict(load_file(here / "weights.safetensors"))

test = np.load(here / "test.npz")
with torch.no_grad():
    predictions = model(torch.from_numpy(test["x"])).argmax(1).numpy()
accuracy = float((predictions == test["y"]).mean())
print(f"test accuracy {accuracy:.6f}, reported {about['test_accuracy']:.6f}")
raise SystemExit(accuracy != about["test_accuracy"])
'''


class Portable(nn.Module):
    """A net and what its inputs go through first, as one module."""

    def __init__(self, net: nn.Module, data: Data) -> None:
        super().__init__()
        self.net = net
        self.data = data

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of inputs as the data set holds them, (B, *shape)."""
        return self.net(self.data.prepare(x, torch.float32))


def trained(job: Job, data: Data) -> Course:
    """A job carried out to its last epoch, without rungs."""
    course = Course(job, data)
    while not course.finished:
        course.epoch()
    return course


def files(job: Job, data: Data) -> dict[str, bytes]:
    """Train a job of one configuration and one seed, and return what uses its model elsewhere, by file name.

    model.pt2 is a `torch.export` program, weights.safetensors its state, test.npz the test split, about.json what was trained and what it
    scores, use.py a script that loads all of them and reproduces the test accuracy.

    Raises:
        ValueError: If the member diverges.
    """
    from safetensors.torch import save

    course = trained(job, data)
    if not course.run.rows:
        raise ValueError(f"configuration {job.configurations[0].number} diverges with seed {job.seeds[0]}; export another seed")
    member = tree.take(course.run.classifying(), 0)
    deployed = course.setting.method.mixing.deploy(member.states.mixing, member.model)
    model = portable(job, data, deployed)
    x, y = data.test.x.cpu(), data.test.y.cpu()
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(model, (x[:2],), dynamic_shapes={"x": {0: batch}})
    packed, test = io.BytesIO(), io.BytesIO()
    torch.export.save(program, packed)
    np.savez_compressed(test, x=x.numpy(), y=y.numpy())
    state = {name: leaf.contiguous() for name, leaf in program.module().state_dict().items()}
    return {
        "model.pt2": packed.getvalue(),
        "weights.safetensors": save(state),
        "test.npz": test.getvalue(),
        "about.json": _json(about(job, data, model, course)),
        "use.py": SCRIPT.encode(),
    }


def portable(job: Job, data: Data, model: Model) -> Portable:
    """The net with the given weights, in evaluation mode."""
    options = {name: value for name, value in job.net.items() if name != "name"}
    net = nets.factory(job.net["name"])(data.shape, len(data.classes), **options)
    own = dict(net.named_parameters())
    weights = {name: leaf.cpu().float() for name, leaf in model.params.items() if name in own}
    net.load_state_dict(weights | {name: leaf.cpu() for name, leaf in model.buffers.items()})
    return Portable(net, data).eval()


def about(job: Job, data: Data, model: Portable, course: Course) -> dict[str, Any]:
    """What was trained, and what the exported model scores on the test split."""
    with torch.no_grad():
        predictions = torch.cat([model(block.cpu()).argmax(1) for block in data.test.blocks()]).numpy()
    numbers: Mapping[str, float] = job.configurations[0].numbers
    return {
        "study": job.study,
        "method": job.method,
        "axes": job.axes,
        "options": job.options,
        "configuration": job.configurations[0].number,
        "numbers": dict(numbers),
        "seed": job.seeds[0],
        "net": job.net,
        "training": job.training,
        "scenario": job.scenario,
        "data": job.data,
        "shape": list(data.shape),
        "classes": list(data.classes),
        "selection_accuracy": course.scores()[job.configurations[0].number]["accuracy"],
        "test_accuracy": float(np.mean(predictions == truth_of(data, "test").y)),
        "test_worst_class": scores.worst_class(predictions, np.zeros(len(predictions)), truth_of(data, "test")),
    }


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()

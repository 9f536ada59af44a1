"""The study of benchmarks/glue.py as one writes it without Altiplano: Ray Tune, Optuna's search, a DataLoader, a module, an SAM class.

    python -m benchmarks.by_hand --trials 24 --seeds 5 --epochs 30 [--reuse] [--tensors] [--halving] [--out FILE]

One trial a configuration, its seeds one after the other within it; two trials at a time, one thread each. It gets the splits, the net, the
ranges and the numbers that Altiplano has. Left out in its favour: checkpoints, per-example results, a ledger, progress on the screen.
`--tensors` takes batches from the tensors themselves, which is faster than a DataLoader where all examples are in memory.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import numpy as np
import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.optuna import OptunaSearch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

BATCH, LR, DECAY = 64, 0.1, 5e-4
SPACE = {"alpha": (0.05, 4.0), "rho": (0.005, 0.5)}
NAMES = ["accuracy", "tail", "stability"]


class SAM:
    """Sharpness-aware minimisation around an optimiser."""

    def __init__(self, net: nn.Module, optimizer: torch.optim.Optimizer, rho: float) -> None:
        self.weights, self.optimizer, self.rho = list(net.parameters()), optimizer, rho
        self.steps: list[Tensor] = []

    @torch.no_grad()
    def ascend(self) -> None:
        """To where the loss is higher; the gradient is cleared."""
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        scale = self.rho / (torch.stack([gradient.norm() for gradient in gradients]).norm() + 1e-12)
        self.steps = [gradient * scale for gradient in gradients]
        for weight, step in zip(self.weights, self.steps, strict=True):
            weight.add_(step)
        self.optimizer.zero_grad()

    @torch.no_grad()
    def descend(self) -> None:
        """Back, and a step along the gradient found there."""
        for weight, step in zip(self.weights, self.steps, strict=True):
            weight.sub_(step)
        self.optimizer.step()
        self.optimizer.zero_grad()


def network() -> nn.Module:
    """The multilayer perceptron, 64-128-128-10 with batch norm."""
    hidden = [
        nn.Linear(64, 128, bias=False),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 128, bias=False),
        nn.BatchNorm1d(128),
        nn.ReLU(),
    ]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(128, 10))


class Tensors:
    """The batches of an epoch in a new order, as a DataLoader gives them, without going through the examples one by one."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.y))  # noqa: TID251  as one writes it
        for chosen in order[: len(order) // BATCH * BATCH].split(BATCH):
            yield self.x[chosen], self.y[chosen]


Member = tuple[nn.Module, SAM, Iterable[Any], Any]
"""Net, SAM around its optimiser, batches, schedule."""


def train_epoch(net: nn.Module, sam: SAM, batches: Iterable[Any], alpha: float) -> None:
    """One pass with mixup and SAM."""
    net.train()
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm1d)]
    for x, y in batches:
        ratio = float(np.random.beta(alpha, alpha))  # noqa: NPY002  as one writes it
        partner = torch.randperm(len(y))  # noqa: TID251  as one writes it
        mixed, other = ratio * x + (1 - ratio) * x[partner], y[partner]
        for climbing in (True, False):
            for layer in norms:
                layer.track_running_stats = climbing
            logits = net(mixed)
            (ratio * cross_entropy(logits, y) + (1 - ratio) * cross_entropy(logits, other)).backward()
            sam.ascend() if climbing else sam.descend()
        for layer in norms:
            layer.track_running_stats = True


@torch.no_grad()
def predictions(net: nn.Module, x: Tensor) -> Tensor:
    """Predicted classes."""
    net.eval()
    return net(x).argmax(1)


def scores(seeds: list[Tensor], y: Tensor) -> dict[str, float]:
    """Mean accuracy, accuracy on the worst class and agreement between seeds."""
    found = torch.stack(seeds)
    right = (found == y).double()
    classes = torch.stack([right[:, y == label].mean(1) for label in range(10)])
    pairs = [(one == other).double().mean().item() for place, one in enumerate(found) for other in found[:place]]
    return {"accuracy": right.mean().item(), "tail": classes.min(0).values.mean().item(), "stability": float(np.mean(pairs or [1.0]))}


def trial(config: dict[str, Any]) -> None:
    """One configuration: all its seeds, side by side where a scheduler wants to see them every epoch."""
    torch.set_num_threads(1)
    x, y, selected_x, selected_y = (torch.tensor(part) for part in ray.get(config["data"]))
    members = [begun(config, seed, x, y) for seed in range(config["seeds"])]
    for epoch in range(1, config["epochs"] + 1):
        for net, sam, batches, schedule in members:
            train_epoch(net, sam, batches, config["alpha"])
            schedule.step()
        if config["halving"] or epoch == config["epochs"]:
            found = scores([predictions(net, selected_x) for net, *_ in members], selected_y)
            tune.report({**found, "mean": float(np.mean([found[name] for name in NAMES])), "epochs": epoch, "ended": time.time()})


def begun(config: dict[str, Any], seed: int, x: Tensor, y: Tensor) -> Member:
    """A member before its first step."""
    torch.manual_seed(seed)  # noqa: TID251  as one writes it
    np.random.seed(seed)  # noqa: NPY002  as one writes it
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9, weight_decay=DECAY)
    batches = Tensors(x, y) if config["tensors"] else DataLoader(TensorDataset(x, y), BATCH, shuffle=True, drop_last=True)
    return net, SAM(net, optimizer, config["rho"]), batches, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config["epochs"])


def search(options: argparse.Namespace) -> list[dict[str, float]]:
    """Run the trials; the last result of each."""
    from trainables.data.load import load

    data = load("digits")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    shared = ray.put(tuple(part.numpy() for part in (data.train.x, data.train.y, data.selection.x, data.selection.y)))
    config: dict[str, Any] = {name: tune.loguniform(*ends) for name, ends in SPACE.items()}
    config |= {"data": shared, "seeds": options.seeds, "epochs": options.epochs}
    config |= {"halving": options.halving, "tensors": options.tensors}
    scheduler = None
    if options.halving:
        scheduler = ASHAScheduler(metric="mean", mode="max", max_t=options.epochs, grace_period=3, reduction_factor=3)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space=config,
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(OptunaSearch(metric=NAMES, mode=["max"] * 3), max_concurrent=2),
            scheduler=scheduler,
            num_samples=options.trials,
            reuse_actors=options.reuse,
        ),
        run_config=tune.RunConfig(storage_path=options.storage, verbose=0),
    )
    results = [result.metrics for result in tuner.fit() if result.metrics]
    ray.shutdown()
    return [{name: result[name] for name in (*NAMES, "mean", "epochs", "ended")} for result in results]


def main() -> None:
    """Search and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--reuse", action="store_true", help="let trials share processes")
    parser.add_argument("--tensors", action="store_true", help="batches without a DataLoader")
    parser.add_argument("--halving", action="store_true", help="stop weak trials early by ASHA")
    parser.add_argument("--storage", default=f"{tempfile.gettempdir()}/by-hand", help="where Ray Tune keeps its own")
    parser.add_argument("--out", help="where to write the results")
    options = parser.parse_args()
    found = search(options)
    text = json.dumps(found)
    if options.out:
        Path(options.out).write_text(text)
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

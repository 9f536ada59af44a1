"""Studies with known truth, written as a worker would leave them: for tests, screenshots and the benchmark.

A member is right on example i with chance sigmoid(skill_c + seed_cs - difficulty_i); a configuration's skill is a smooth function of its
knobs plus its own scatter. Files are written column by column, so that 100,000 configurations of 5 seeds take a minute.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from trainables import evidence
from trainables.draws import stream
from trainables.evidence import COMPLETE, DIVERGED, PRUNED
from trainables.scores import Truth

KNOBS = {"alpha": (0.05, 4.0), "rho": (0.01, 0.5), "theta": (0.1, 10.0)}
BEST = {"alpha": 0.4, "rho": 0.08, "theta": 1.0}
METHODS = {
    "erm": (),
    "mixup": ("alpha",),
    "sam": ("rho",),
    "softad": ("theta",),
    "g-mix": ("alpha", "rho"),
    "altiplano": ("alpha", "rho", "theta"),
}
GAIN = {"erm": 0.0, "mixup": 0.25, "sam": 0.3, "softad": 0.15, "g-mix": 0.5, "altiplano": 0.6}


class World(NamedTuple):
    """What a synthetic study is made of; the truth that an analysis should find."""

    examples: int = 360
    classes: int = 10
    epochs: int = 30
    seeds: int = 3
    skill: float = 2.6
    scatter: float = 0.08
    seed_sd: float = 0.08
    failure: float = 0.0
    group: int = 8
    rungs: tuple[int, ...] = ()
    keep: float = 0.34
    entropy: int = 1


WORLD = World()


def study(
    home: Path, counts: Mapping[str, int], world: World = WORLD, confirm: Mapping[tuple[str, int], int] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Write a study's folder; returns the true skill of each method's configurations.

    Args:
        home: The study's folder.
        counts: Configurations of each method of `METHODS`.
        world: What to make it of.
        confirm: Seeds on the test split of some (method, configuration).
    """
    truth, difficulty = _split(world, 0)
    _folder(home, counts, world)
    _leave_truth(home, "selection", truth)
    skills = {}
    for place, (method, count) in enumerate(counts.items()):
        knobs = knob_values(method, count, world)
        skills[method] = skill_of(method, knobs, count, world)
        last, status = _halved(skills[method], world)
        for number, start in enumerate(range(0, count, world.group)):
            rows = range(start, min(start + world.group, count))
            name = f"{method}-{number:05d}"
            table = _group(
                home.name, method, name, rows, knobs, skills[method], last, status, world, truth, difficulty, "selection", (place, number)
            )
            pq.write_table(table, home / "evidence" / f"{name}.parquet", compression="zstd")
    if confirm:
        truth, difficulty = _split(world, 1)
        _leave_truth(home, "test", truth)
        (home / "evidence-test").mkdir()
        for number, ((method, row), seeds) in enumerate(confirm.items()):
            knobs = knob_values(method, counts[method], world)
            whole = np.full(counts[method], world.epochs), np.zeros(counts[method], bool)
            more = world._replace(seeds=seeds)
            table = _group(
                home.name, method, f"c{number}", [row], knobs, skills[method], *whole, more, truth, difficulty, "test", (99, number)
            )
            pq.write_table(table, home / "evidence-test" / f"c{number}.parquet", compression="zstd")
    return skills


def knob_values(method: str, count: int, world: World) -> dict[str, NDArray[np.float64]]:
    """Knobs of a method's configurations, log-uniform in their range."""
    draws = stream(world.entropy, f"knobs of {method}").random((count, len(METHODS[method])))
    return {
        name: np.exp(np.log(low) + draws[:, j] * np.log(high / low))
        for j, name in enumerate(METHODS[method])
        for low, high in [KNOBS[name]]
    }


def skill_of(method: str, knobs: Mapping[str, NDArray[np.float64]], count: int, world: World) -> NDArray[np.float64]:
    """True skill: the method's gain less a parabola in the logarithm of each knob, plus scatter."""
    away = sum((0.06 * np.log(values / BEST[name]) ** 2 for name, values in knobs.items()), np.zeros(count))
    return world.skill + GAIN[method] - away + world.scatter * stream(world.entropy, f"scatter of {method}").standard_normal(count)


def _split(world: World, which: int) -> tuple[Truth, NDArray[np.float64]]:
    source = stream(world.entropy, "split", which)
    y = np.arange(world.examples) % world.classes
    class_effect = np.linspace(0, 1.2, world.classes)[::-1] ** 2
    return Truth(y, np.zeros(world.examples, np.int64), world.classes), source.normal(0, 1.3, world.examples) + class_effect[y]


def _leave_truth(home: Path, split: str, truth: Truth) -> None:
    names = [f"digit {k}" for k in range(truth.classes)]
    (home / "splits" / f"{split}.npz").write_bytes(evidence.truth_to_bytes(truth, names, _pictures(truth)))


def _pictures(truth: Truth) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:8, 0:8]
    angle = truth.y[:, None, None] * np.pi / truth.classes
    return (127 + 127 * np.sin(columns * np.cos(angle) * 1.6 + rows * np.sin(angle) * 1.6)).astype(np.uint8)


def _halved(skill: NDArray[np.float64], world: World) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    last = np.full(len(skill), world.epochs)
    alive = np.argsort(-skill)
    for rung in world.rungs:
        going = max(1, int(np.ceil(world.keep * len(alive))))
        last[alive[going:]] = rung
        alive = alive[:going]
    return last, last < world.epochs


def _group(
    study: str,
    method: str,
    name: str,
    rows: Iterable[int],
    knobs: Mapping[str, NDArray[np.float64]],
    skill: NDArray[np.float64],
    last: NDArray[np.int64],
    pruned: NDArray[np.bool_],
    world: World,
    truth: Truth,
    difficulty: NDArray[np.float64],
    split: str,
    at: tuple[int, int],
) -> pa.Table:
    rows = np.asarray(list(rows))
    configuration = np.repeat(rows, world.seeds)
    members = len(configuration)
    seed = np.tile(np.arange(world.seeds) + (1000 if split == "test" else 0), len(rows))
    source = stream(world.entropy, "members", *at)
    level = skill[configuration] + world.seed_sd * source.standard_normal(members)
    chance = 1 / (1 + np.exp(difficulty[None].astype(np.float32) - level[:, None].astype(np.float32)))
    right = source.random((members, world.examples), np.float32) < chance
    predictions = np.where(
        right, truth.y, (truth.y + 1 + source.integers(0, 2, (members, world.examples), np.int8)) % world.classes
    ).astype(np.int16)
    diverged = source.random(members) < world.failure
    predictions[diverged] = -1
    by_class = np.stack([right[:, truth.y == k].mean(1) for k in range(world.classes)], axis=1)
    accuracy = np.where(diverged, 1 / world.classes, right.mean(1))
    tail = np.where(diverged, 1 / world.classes, by_class.min(1))
    losses = -np.log(np.clip(np.where(right, chance, 1 - chance), 1e-3, 1)).astype(np.float32)
    status = np.where(diverged, DIVERGED, np.where(pruned[configuration], PRUNED, COMPLETE))
    numbers = {"lr": 0.1, "weight_decay": 5e-4, "label_smoothing": 0.0}
    texts = [json.dumps({**numbers, **{key: float(values[row]) for key, values in knobs.items()}}, sort_keys=True) for row in rows]
    columns = {
        "study": [study] * members,
        "method": [method] * members,
        "configuration": configuration,
        "seed": seed,
        "group": [name] * members,
        "status": status,
        "epochs": last[configuration],
        "split": [split] * members,
        "knobs": np.repeat(texts, world.seeds),
        "accuracy": accuracy,
        "tail": tail,
        "loss": losses.mean(1),
        "seconds": 2.0 * last[configuration] / world.epochs * (1 + ("rho" in knobs)) * (1 + 0.1 * source.random(members)),
        "device": ["cpu"] * members,
    }
    schema = evidence.schema()
    arrays = [pa.array(list(values) if isinstance(values, list) else values, schema.field(key).type) for key, values in columns.items()]
    arrays.append(
        _curves(schema.field("curves").type, accuracy, tail, losses.mean(1), last[configuration], knobs.get("rho"), configuration, source)
    )
    arrays.append(_lists(losses, pa.float32()))
    arrays.append(_lists(predictions, pa.int16()))
    return pa.Table.from_arrays(arrays, schema=schema)


def _lists(values: NDArray[np.generic], kind: pa.DataType) -> pa.ListArray:
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel(), kind))


def _curves(
    kind: pa.DataType,
    accuracy: NDArray[np.float64],
    tail: NDArray[np.float64],
    loss: NDArray[np.float64],
    epochs: NDArray[np.int64],
    rho: NDArray[np.float64] | None,
    configuration: NDArray[np.int64],
    source: np.random.Generator,
) -> pa.Array:
    ends: dict[str, NDArray[np.float64]] = {"accuracy": accuracy, "tail": tail, "loss": loss, "train_loss": 0.6 * loss, "risk": 0.7 * loss}
    ends["lr"] = np.zeros(len(loss))
    if rho is not None:
        ends["sharpness"] = 0.02 + 0.3 * loss * source.lognormal(0, 0.1, len(loss))
    longest = int(epochs.max())
    time = np.arange(1, longest + 1) / longest
    rise = 1 - np.exp(-5 * time)
    rise = rise / rise[-1]
    wobble = 0.01 * (1 - time) * source.standard_normal((len(ends), len(loss), longest))
    values = []
    for place, (key, end) in enumerate(ends.items()):
        if key == "lr":
            values.append(np.broadcast_to(0.05 * (1 + np.cos(np.pi * time)), (len(loss), longest)))
        elif key in {"accuracy", "tail"}:
            values.append(np.clip(0.1 + (end[:, None] - 0.1) * rise + wobble[place], 0, 1))
        else:
            values.append(2.3 + (end[:, None] - 2.3) * rise + wobble[place])
    stacked = np.stack(values, axis=1).astype(np.float32)
    mask = np.arange(longest)[None, :] < epochs[:, None]
    flat = stacked[np.broadcast_to(mask[:, None], stacked.shape)]
    lengths = np.repeat(epochs, len(ends))
    items = pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(lengths)).astype(np.int32)), pa.array(flat, pa.float32()))
    keys = pa.array(list(ends) * len(loss))
    offsets = pa.array((np.arange(len(loss) + 1) * len(ends)).astype(np.int32))
    return pa.MapArray.from_arrays(offsets, keys, items).cast(kind)


def _folder(home: Path, counts: Mapping[str, int], world: World) -> None:
    (home / "evidence").mkdir(parents=True)
    (home / "splits").mkdir()
    file = {
        "name": home.name,
        "data": {"name": "digits", "label_noise": 0.1},
        "net": {"name": "mlp", "width": 128},
        "training": {"epochs": world.epochs, "batch": 64, "optimizer": "sgd", "lr": 0.1, "weight_decay": 5e-4, "schedule": "cosine"},
        "methods": {method: {name: list(KNOBS[name]) for name in METHODS[method]} for method in counts if method != "erm"},
        "objectives": ["accuracy", "tail", "stability"],
        "tail": "worst-class",
        "seeds": world.seeds,
        "budget": {"configurations": max(counts.values())},
        "sampler": "tpe",
        "halving": {"rungs": list(world.rungs), "keep": world.keep} if world.rungs else None,
    }
    (home / "study.yaml").write_text(yaml.safe_dump(file, sort_keys=False))
    versions: Sequence[tuple[str, str]] = [("altiplano", "0.1.0"), ("torch", "2.13.0"), ("ray", "2.60.0")]
    (home / "environment.json").write_text(json.dumps({"versions": dict(versions), "git": "0000000", "device": "cpu, 2 cores"}))

"""What an encoder learns without labels: the same linear readout on it and on one that was never trained, seed by seed.

`python -m benchmarks.contrastive` trains every mixing of a contrastive study on digits with ten seeds and writes
docs/results/contrastive.md: test accuracy with 1, 10 and 100 % of the labels, and gains over the random encoder of the same seed with
their 95 % intervals.
"""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from search import capture
from trainables import methods, scenarios
from trainables.course import Course
from trainables.data.load import load
from trainables.job import Configuration, Job
from trainables.training import TRAINING

AUGMENT = {"shift": 1, "cutout": 3}
MIXINGS = ("none", "mixup", "cutmix", "manifold-mixup", "samix")
FIGURES = {"labels_1": "1 % of the labels", "labels_10": "10 %", "labels_100": "100 %", "neighbours": "nearest neighbours"}
NUMBERS = {"lr": 0.003, "weight_decay": 1e-4, "label_smoothing": 0.0}


def job(mixing: str, host: str, seeds: int, epochs: int) -> Job:
    """One configuration of a mixing, every knob at its default, judged on the test split."""
    scenario = {"name": "contrastive", "host": host}
    axes = methods.Axes(mixing)
    knobs = {knob.name: float(knob.default) for knob in methods.make(axes, scenarios.make(**scenario).mixings).knobs}
    options = {"mixer_rate": 100.0} if mixing == "samix" else {}  # the mixer has SGD beside AdamW's small rate
    return Job(
        study="contrastive",
        home="",
        method=mixing,
        group=mixing,
        axes=axes._asdict(),
        options=options,
        configurations=[Configuration(0, {**knobs, **NUMBERS})],
        seeds=list(range(seeds)),
        data={"name": "digits", "augment": AUGMENT},
        net={"name": "cnn", "width": 16},
        training={**TRAINING, "epochs": epochs, "batch": 128, "optimizer": "adamw"},
        scenario=scenario,
        split="test",
    )


def measured(one: Job, data: Any) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]], float]:
    """Figures (seeds,) before training and after, and the seconds in between."""
    course = Course(one, data)
    random = {name: np.array(values) for name, values in course.run.closing(data.test).items()}
    began = time.perf_counter()
    while not course.finished:
        course.run.train_epoch()
    seconds = time.perf_counter() - began
    failed = [status for status in course.run.checkup().statuses if status]
    if failed:
        raise SystemExit(f"{one.method}: {failed} of {len(one.seeds)} seeds")
    return random, {name: np.array(values) for name, values in course.run.closing(data.test).items()}, seconds


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean over seeds and half the width of its 95 % interval (Student's t)."""
    return float(values.mean()), float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def percent(values: NDArray[np.float64], sign: str = "") -> str:
    """Mean and interval in percent."""
    mean, half = interval(values)
    return f"{100 * mean:{sign}.1f} ± {100 * half:.1f}"


def main() -> None:
    """Train, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--host", default="simclr", choices=["simclr", "moco"])
    parser.add_argument("--mixings", nargs="+", default=list(MIXINGS), choices=MIXINGS)
    parser.add_argument("--out", type=Path, default=Path("docs/results/contrastive.md"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = load("digits", augment=AUGMENT)
    before: dict[str, NDArray[np.float64]] = {}
    after: dict[str, dict[str, NDArray[np.float64]]] = {}
    seconds: dict[str, float] = {}
    for mixing in given.mixings:
        before, after[mixing], seconds[mixing] = measured(job(mixing, given.host, given.seeds, given.epochs), data)
        given.out.write_text(page(before, after, seconds, given))
        print(
            f"{mixing}: {seconds[mixing]:.0f} s, 1 % {percent(after[mixing]['labels_1'])}, random {percent(before['labels_1'])}", flush=True
        )


def page(
    before: dict[str, NDArray[np.float64]], after: dict[str, dict[str, NDArray[np.float64]]], seconds: dict[str, float], given: Any
) -> str:
    """The table and what it shows."""
    head = f"| encoder | {' | '.join(FIGURES.values())} |\n|---|{'---|' * len(FIGURES)}\n"
    rows = ["| not trained | " + " | ".join(percent(before[name]) for name in FIGURES) + " |"]
    rows += [f"| {mixing} | " + " | ".join(percent(found[name]) for name in FIGURES) + " |" for mixing, found in after.items()]
    gains = [
        f"| {mixing} | " + " | ".join(percent(found[name] - before[name], "+") for name in FIGURES) + " |"
        for mixing, found in after.items()
    ]
    plain = after.get("none")
    mixed = {mixing: found for mixing, found in after.items() if mixing != "none"} if plain is not None else {}
    over = [
        f"| {mixing} | " + " | ".join(percent(found[name] - plain[name], "+") for name in FIGURES) + " |" for mixing, found in mixed.items()
    ]
    return (
        "# What an encoder learns without labels\n\n"
        f"Digits (1,151 training pictures, 359 test pictures), a cnn of width 16, {given.host}, temperature 0.2, "
        f"{given.epochs} epochs in batches of 128, "
        f"AdamW at {NUMBERS['lr']:g}, views that differ by a shift of 1 pixel and a cutout of 3 x 3; every knob at its default, nothing "
        f"searched. {given.seeds} seeds. Test accuracy in percent, mean over seeds and its 95 % interval (Student's t).\n"
        "The readout is the linear one that ranks studies, its strength chosen on the selection split; with 1 % and 10 % of the labels "
        "(1 and about 11 pictures a class) a seed's figure is the mean of five draws of them.\n\n"
        "Optimiser, learning rate and views were chosen on the selection split from a dozen short trials with two seeds, one of them with "
        "a mixing; the mixings were not tuned, but samix' mixer, which has SGD, gets 100 times AdamW's small rate. The intervals are not "
        "corrected for their number, and a mixing takes more time for the same epochs (last line): at equal time `none` would train "
        "longer.\n\n"
        f"Made by `python -m benchmarks.contrastive --seeds {given.seeds} --epochs {given.epochs} --host {given.host}`, "
        f"revision {(capture.revision() or 'unknown')[:7]}.\n\n{head}"
        + "\n".join(rows)
        + "\n\nGain over the random encoder of the same seed, same labels, in points:\n\n"
        + head
        + "\n".join(gains)
        + ("\n\nGain over training without mixing, same seed, in points:\n\n" + head + "\n".join(over) if over else "")
        + "\n\nTraining time of all seeds together, on one core of a busy machine (s): "
        + ", ".join(f"{mixing} {value:.0f}" for mixing, value in seconds.items())
        + ".\n"
    )


if __name__ == "__main__":
    main()

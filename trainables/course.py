"""A job being carried out: epochs, rungs, members that fall out, and the evidence in the end. Knows no Ray."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from trainables import evidence, scores
from trainables.data.examples import Data, Examples
from trainables.engine import checkpoint
from trainables.engine.features import geometry
from trainables.engine.loop import Curves, Run
from trainables.evidence import COMPLETE, DIVERGED, FAILED, PRUNED, Evidence
from trainables.job import Job
from trainables.scores import NO_PREDICTION, Truth

Promote = Callable[[NDArray[np.float64], float], Sequence[int]]
"""(scores (configurations, seeds, objectives), all to be maximised; share to keep) -> indices of the configurations that go on."""

DIAGNOSED = 64
"""Training examples that an epoch's diagnostics look at: enough to compare methods, few enough to cost next to nothing."""


class Course:
    """One group in training.

    Attributes:
        job: What was asked.
        run: The members still in training.
        departed: Evidence of those that were pruned or failed.
    """

    def __init__(self, job: Job, data: Data, checkpointed: bytes | None = None) -> None:
        """A course at its beginning, or where a checkpoint of the same job was taken.

        Raises:
            ValueError: If the checkpoint is torn or belongs to another job.
        """
        self.job = job
        self.data = data
        self.setting = job.setting(data)
        self.departed: list[Evidence] = []
        if checkpointed is None:
            self.run = Run.begin(self.setting, data, job.rows())
        else:
            self.run, extra = checkpoint.unpack(checkpointed, self.setting, data, job.rows())
            if extra.get("job", job.fingerprint) != job.fingerprint:
                raise ValueError("a checkpoint must be of the job that takes it up; this one is of another configuration, data set or net")
            self.departed = evidence.read(io.BytesIO(extra["departed"].numpy().tobytes()))
        self._tail = scores.tail_named(job.tail)
        self._examples: Examples = getattr(data, job.split)
        self._seen = data.train.spaced(DIAGNOSED)
        self.truth = truth_of(data, job.split)
        self._losses, self._predictions = self.run.evaluate(self._examples)

    @property
    def finished(self) -> bool:
        """Whether every member has left or reached the last epoch."""
        return self.run.finished

    def epoch(self, promote: Promote | None = None) -> None:
        """Train one epoch, score it where that is due, take out what failed and, at a rung, what `promote` does not keep."""
        self.run.train_epoch()
        at_rung = self.run.epoch in self.job.rungs
        if self.finished or at_rung or self.setting.judging.due(self.run.epoch, self.setting.epochs):
            self._losses, self._predictions = self.run.evaluate(self._examples)
            for name, values in self._scored().items():
                self.run.log(name, values)
            self._diagnose()
        self._release_failed()
        if promote and at_rung and not self.finished:
            self._halve(promote)

    def members(self) -> list[Evidence]:
        """Evidence of every member, in the job's order, once the course has finished."""
        place = {(row.configuration, row.seed): number for number, row in enumerate(self.job.rows())}
        return sorted(self._now(), key=lambda member: place[member.configuration, member.seed])

    def scores(self) -> dict[int, dict[str, float]]:
        """accuracy, tail and stability of each configuration now, by its number; those that departed as they left."""
        table: dict[int, dict[str, float]] = {}
        members = self._now()
        for configuration in self.job.configurations:
            found = [member for member in members if member.configuration == configuration.number]
            table[configuration.number] = {
                "accuracy": float(np.mean([member.accuracy for member in found])),
                "tail": float(np.mean([member.tail for member in found])),
                "stability": scores.stability(np.stack([member.predictions for member in found])),
            }
        return table

    def pack(self) -> bytes:
        """The course as a checkpoint."""
        departed = torch.frombuffer(bytearray(evidence.to_bytes(self.departed)), dtype=torch.uint8)
        return checkpoint.pack(self.run, {"departed": departed, "job": self.job.fingerprint})

    def _now(self) -> list[Evidence]:
        return self.departed + [self._evidence(index, COMPLETE) for index in range(len(self.run.rows))]

    def _fine(self) -> list[bool]:
        return [bool(healthy and np.isfinite(losses).all()) for healthy, losses in zip(self.run.healthy(), self._losses, strict=True)]

    def _scored(self) -> dict[str, list[float]]:
        pairs = list(zip(self._predictions, self._losses, strict=True))
        return {
            "accuracy": [scores.accuracy(predictions, self.truth) for predictions, _ in pairs],
            "tail": [self._tail(predictions, losses, self.truth) for predictions, losses in pairs],
            "loss": [float(losses.mean()) for _, losses in pairs],
        }

    def _diagnose(self) -> None:
        """Log what the weights are like: sharpness at a common radius, length, the gap between splits; in the end, the features."""
        found = self.run.diagnose(self._seen)
        plain = found.pop("plain_loss")
        gap = [float(losses.mean()) - seen for losses, seen in zip(self._losses, plain, strict=True)]
        for name, values in {**found, "gap": gap}.items():
            self.run.log(name, values)
        if self.run.epoch == self.setting.epochs:
            shapes = [geometry(one, self.truth.y) for one in self.run.features(self._examples)]
            self.run.log("cohesion", [shape.cohesion for shape in shapes])
            self.run.log("separability", [shape.separability for shape in shapes])
            for name, values in self.run.closing(self._examples).items():
                self.run.log(name, values)

    def _release_failed(self) -> None:
        """Take out who has failed: weights or losses no longer finite, or what the judging finds in its checkup."""
        figures, statuses = self.run.checkup()
        for name, values in figures.items():
            self.run.log(name, values)
        found = [status if fine else DIVERGED for status, fine in zip(statuses, self._fine(), strict=True)]
        for failure in FAILED:
            self._release([index for index, status in enumerate(found) if status == failure], failure)
            found = [status for status in found if status != failure]

    def _halve(self, promote: Promote) -> None:
        numbers = list(dict.fromkeys(row.configuration for row in self.run.rows))
        kept = {numbers[index] for index in promote(self._rung_scores(numbers), self.job.keep)}
        self._release([index for index, row in enumerate(self.run.rows) if row.configuration not in kept], PRUNED)

    def _rung_scores(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """(configurations, seeds, objectives); a seed's stability is its mean agreement with the other seeds."""
        table = np.empty((len(numbers), len(self.job.seeds), len(self.job.objectives)))
        members = self._now()
        for place, number in enumerate(numbers):
            found = [member for member in members if member.configuration == number]
            columns = {
                "accuracy": np.array([member.accuracy for member in found]),
                "tail": np.array([member.tail for member in found]),
                "stability": scores.agreement(np.stack([member.predictions for member in found])),
            }
            table[place] = np.stack([columns[name] for name in self.job.objectives], axis=-1)
        return table

    def _release(self, indices: Sequence[int], status: str) -> None:
        if indices:
            self.departed += [self._evidence(index, status) for index in indices]
            staying = [index for index in range(len(self.run.rows)) if index not in set(indices)]
            self.run.keep(staying)
            self._losses, self._predictions = self._losses[staying], self._predictions[staying]

    def _evidence(self, index: int, status: str) -> Evidence:
        row, job = self.run.rows[index], self.job
        losses, predictions = self._losses[index], self._predictions[index]
        if status in FAILED:
            losses = np.full_like(losses, np.log(self.truth.classes))
            predictions = np.full_like(predictions, NO_PREDICTION)
        return Evidence(
            study=job.study,
            method=job.method,
            configuration=row.configuration,
            seed=row.seed,
            group=job.group,
            status=status,
            epochs=self.run.epoch,
            split=job.split,
            knobs=dict(row.numbers),
            accuracy=scores.accuracy(predictions, self.truth),
            tail=self._tail(predictions, losses, self.truth),
            loss=float(losses.mean()),
            seconds=self.run.seconds[index],
            device=self.setting.device,
            losses=losses,
            predictions=predictions,
            curves=_as_arrays(self.run.curves[index]),
        )


def truth_of(data: Data, split: str) -> Truth:
    """What a split holds, for scores."""
    examples: Examples = getattr(data, split)
    return Truth(examples.y.numpy(), examples.group.numpy(), len(data.classes))


def _as_arrays(curves: Curves) -> dict[str, NDArray[np.float32]]:
    return {name: np.asarray(values, np.float32) for name, values in curves.items()}

"""Where runs go: event files for TensorBoard, or an MLflow server or database."""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from altiplano.tracking.runs import Run
from search.errors import UserError
from search.storage import without_password

MOST = 1000
"""Metrics that an MLflow server takes at once."""


class Tracker(Protocol):
    """Where runs go; made from an address and a study's name."""

    def __init__(self, address: str, study: str) -> None: ...

    @staticmethod
    def usual(beside: str) -> str:
        """The address where none is given, from the path before it."""
        ...

    @staticmethod
    def look(address: str) -> str:
        """The command that shows what lies there."""
        ...

    def holds(self, run: str) -> bool:
        """Whether a run of that name has been written whole."""
        ...

    def write(self, run: Run) -> None:
        """Write a run."""
        ...


class TensorBoard:
    """Event files, a folder a run; the HPARAMS tab shows knobs beside scores."""

    def __init__(self, address: str, study: str) -> None:
        self.folder = Path(address)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--into must be a folder that can be written, {address} cannot: {error.strerror}") from error

    @staticmethod
    def usual(beside: str) -> str:
        """A folder."""
        return f"{beside}tensorboard"

    @staticmethod
    def look(address: str) -> str:
        """TensorBoard itself is not needed for writing."""
        return f"tensorboard --logdir {address}"

    def holds(self, run: str) -> bool:
        """A run gets its name when it is whole."""
        return (self.folder / run).exists()

    def write(self, run: Run) -> None:
        """Curves as scalars by epoch, knobs as hyperparameters, scores as their metrics."""
        from tensorboardX import FileWriter
        from tensorboardX.summary import hparams, scalar

        unfinished = self.folder / f".{run.name}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        final = {f"final/{name}": value for name, value in run.scores.items()}
        writer = FileWriter(str(unfinished))
        try:
            for summary in hparams({**run.words, **run.knobs}, final):
                writer.add_summary(summary)
            for name, points in {**run.curves, **{name: [(run.epochs, value)] for name, value in final.items()}}.items():
                for epoch, value in points:
                    writer.add_summary(scalar(name, value), epoch)
        finally:
            writer.close()
        unfinished.rename(self.folder / run.name)


class MLflow:
    """An MLflow server or database; the study is an experiment there."""

    def __init__(self, address: str, study: str) -> None:
        try:
            import mlflow
            from sqlalchemy.exc import SQLAlchemyError
        except ModuleNotFoundError as error:
            raise UserError("--to mlflow needs MLflow, which is not installed: pip install 'altiplano[mlflow]'") from error
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # a new database would tell of its tables
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's own 7 wait four minutes for a server that is not there
        try:
            self.client = mlflow.MlflowClient(tracking_uri=address)
            found = self.client.get_experiment_by_name(study)
            self.experiment: str = self.client.create_experiment(study) if found is None else found.experiment_id
            self.whole = set(self._whole())
        except (mlflow.MlflowException, SQLAlchemyError, OSError) as error:
            shown = without_password(address)
            why = str(error).strip().splitlines()[0].replace(address, shown)
            raise UserError(f"--into must be the URI of an MLflow server or database that answers, {shown} does not: {why}") from error

    @staticmethod
    def usual(beside: str) -> str:
        """A database in a file: MLflow 3 writes no folders of text files any more."""
        return f"sqlite:///{beside}mlflow.db"

    @staticmethod
    def look(address: str) -> str:
        """The page comes with the whole of MLflow, not with the part that writes; a server shows itself."""
        return address if address.startswith("http") else f"mlflow ui --backend-store-uri {address}"

    def holds(self, run: str) -> bool:
        """A run that has not ended is not whole: what was cut off is written again, under the same name."""
        return run in self.whole

    def write(self, run: Run) -> None:
        """Curves as metrics with epochs for steps, scores as metrics final.NAME, knobs as parameters."""
        from mlflow.entities import Metric, Param, RunTag

        identity = self.client.create_run(self.experiment, run_name=run.name).info.run_id
        params = [Param("method", run.words["method"]), *(Param(knob, repr(value)) for knob, value in run.knobs.items())]
        tags = [RunTag(f"altiplano.{word}", value) for word, value in run.words.items()]
        metrics = [Metric(f"final.{name}", value, 0, run.epochs) for name, value in run.scores.items()]
        metrics += [Metric(name, value, 0, epoch) for name, points in run.curves.items() for epoch, value in points]
        self.client.log_batch(identity, params=params, tags=tags)
        for start in range(0, len(metrics), MOST):
            self.client.log_batch(identity, metrics=metrics[start : start + MOST])
        self.client.set_terminated(identity, "FAILED" if run.failed else "FINISHED")

    def _whole(self) -> Iterator[str]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment], page_token=token)
            yield from (str(run.info.run_name) for run in page if run.info.status != "RUNNING")
            token = page.token
            if not token:
                return


TRACKERS: Mapping[str, type[Tracker]] = {"tensorboard": TensorBoard, "mlflow": MLflow}
"""By the name that `--to` takes."""

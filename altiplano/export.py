"""Export: the configuration of a rank, trained once more and packed for plain PyTorch."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import analysis
from search.errors import UserError
from search.faults import LONGEST
from search.homes import find
from search.page import Group
from search.searcher import job
from search.study import Study
from trainables.data.load import load
from trainables.job import Configuration, Job
from trainables.portable import files

OF_SEARCH = ("seed", "budget", "sampler", "halving", "ledger", "from")
"""Parts of a study that say how and where it searched, which one configuration has no use for."""


def export(name: str, home: str, rank: int, rule: str, weights: Mapping[str, float], seed: int, out: Path | None) -> tuple[Path, Job, str]:
    """Train the configuration of a rank with one seed and write what uses its model elsewhere.

    Ranks are those that the report leads with: of the confirmed figures once there are some.

    Returns:
        The folder written to, what was trained, and among which configurations the rank is, in words.

    Raises:
        UserError: If there is no such study or rank, or the member diverges.
    """
    study, place = find(name, home)
    try:
        table = analysis.load(place.url).leading
        ranked = analysis.rank(table, rule, weights)
    except ValueError as error:
        raise UserError(f"altiplano export {name}: {error}") from error
    among = f"{len(ranked)} configurations {'confirmed' if table.split == 'test' else 'ranked'}"
    if not 1 <= rank <= len(ranked):
        raise UserError(f"--rank must lie between 1 and {len(ranked)}, one of the {among}, got {rank}")
    row = ranked.iloc[rank - 1]
    numbers = {str(knob): float(value) for knob, value in table.knobs.loc[ranked.index[rank - 1]].dropna().items()}
    chosen = _job(study, str(row["method"]), int(row["configuration"]), numbers, home, seed)
    folder = out or (place.local / "export" / f"rank-{rank}" if place.local else Path(f"{name}-rank-{rank}"))
    written = as_method(study, chosen)
    with _writing(folder):  # before a training whose model could not be kept
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    try:
        content = files(chosen, load(**chosen.data))
    except ValueError as error:
        raise UserError(f"altiplano export {name}: {error}") from error
    with _writing(folder):
        for file, packed in {**content, "configuration.yaml": written.encode()}.items():
            (folder / file).write_bytes(packed)
    return folder, chosen, among


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"--out must be a folder that can be written, {folder} cannot ({error.strerror})") from error


def as_method(study: Study, chosen: Job) -> str:
    """The configuration as a study file whose every number is fixed: to be launched again, or read."""
    knobs = {knob: value for knob, value in chosen.configurations[0].numbers.items() if knob not in study.training.numbers}
    plain = study.plain()
    training = {**plain["training"], **{key: chosen.configurations[0].numbers[key] for key in study.training.numbers}}
    kept = {key: value for key, value in plain.items() if key not in OF_SEARCH}
    method = {chosen.method: {**chosen.axes, **chosen.options, **knobs}}
    number = str(chosen.configurations[0].number)
    name = f"{study.name}-{chosen.method}"[: LONGEST - 1 - len(number)] + f"-{number}"
    fixed = {**kept, "name": name, "training": training, "methods": method}
    return Study.model_validate(fixed).dump()


def _job(study: Study, method: str, number: int, numbers: dict[str, float], home: str, seed: int) -> Job:
    whole = job(study, Group("export", method, (Configuration(number, numbers),), (seed,)), home)
    return dataclasses.replace(whole, rungs=[])

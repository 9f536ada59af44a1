"""The methods in words: what each is, its knobs, what it costs."""

import inspect
import tempfile

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from search.errors import UserError, nearest
from trainables import methods, plugin, scenarios
from trainables.cost import Cost, cost, write_untrained_mixer
from trainables.knob import Knob
from trainables.methods import Axes, Method

PLAIN = {methods.MIXINGS["none"], methods.PERTURBATIONS["none"], methods.CRITERIA["mean"]}


def overview() -> RenderableType:
    """All presets with their three choices and their knobs, and every strategy that may be combined."""
    table = Table(title="Methods", title_justify="left", caption_justify="left", box=None, pad_edge=False)
    for column in ("method", "mixing", "perturbation", "criterion", "knobs"):
        table.add_column(column, style="bold" if column == "method" else None, overflow="fold")
    for name, axes in methods.PRESETS.items():
        table.add_row(name, *axes, ", ".join(knob.name for knob in methods.make(axes).knobs) or "-")
    for name in plugin.offered("method"):
        table.add_row(name, *methods.preset(name), ", ".join(knob.name for knob in methods.make(methods.preset(name)).knobs) or "-")
    free = [f"[bold]{axis}[/bold]: {', '.join([*strategies, *plugin.offered(axis)])}" for axis, strategies in methods.TABLES.items()]
    words = "Any choice of the three may be combined in a study file: {mixing: mixup, perturbation: sam, criterion: softad}"
    return Group(table, Text(), Text(words), *(Text.from_markup(line) for line in free), Text("\nMore of one: altiplano methods NAME"))


def detail(name: str) -> RenderableType:
    """One preset or strategy: what it computes and whence, knobs with ranges, options, measured cost.

    Raises:
        UserError: If there is neither.
    """
    try:
        axes = _named(name)
        method = methods.make(axes)
    except ValueError as error:
        raise UserError(f"altiplano methods: {error}") from error
    parts: list[RenderableType] = [Text(f"{name}: {' x '.join(axes if len(set(axes)) > 1 else axes[:1])}", style="bold"), Text()]
    told = dict.fromkeys(inspect.getdoc(factory) for factory in methods.factories(axes) if factory not in PLAIN or axes == Axes())
    for words in told:
        parts += [*_laid_out(reflowed(words or "It has no docstring.")), Text()]
    parts += [_knob_table(method), *_option_lines(axes), Text(), Text(_without_labels(axes)), Text(_cost_line(axes, method))]
    return Group(*parts)


def _without_labels(axes: Axes) -> str:
    """Whether a choice takes part in a contrastive study, and with which knobs, or why not."""
    contrastive = scenarios.make("contrastive")
    found = [contrastive.refused[choice] for choice in axes._asdict().items() if choice in contrastive.refused]
    if axes.mixing not in contrastive.mixings:
        found = found or ["computes losses of its own, which take labels"]
    if found:
        return f"Without labels (scenario: contrastive): not there, since it {found[0]}."
    names = [knob.name for knob in methods.make(axes, contrastive.mixings).knobs]
    given = [name for name in names if name in contrastive.nats]
    words = f"; {' and '.join(given)} must be given, in nats of InfoNCE" if given else ""
    return f"Without labels (scenario: contrastive): InfoNCE for cross-entropy; knobs: {', '.join(names) or 'none'}{words}."


def reflowed(text: str) -> str:
    """A docstring for a terminal to wrap: a line for each paragraph and each entry of a section; formulas and headings stay as they are."""
    lines: list[str] = []
    section = False
    for line in text.splitlines():
        section = line.endswith(":") if line[:1].strip() else section
        if lines and _goes_on(lines[-1], line, section):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _goes_on(before: str, line: str, section: bool) -> bool:
    """Whether a line belongs to the one before: prose to prose; in a section, what is indented further or follows no full stop."""
    if not before or not line or before.endswith(":"):
        return False
    prose = not before.startswith(" ") and not line.startswith(" ") and not line.endswith(":")
    return prose or (section and before.startswith(" ") and (_indent(line) > _indent(before) or not before.endswith(".")))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _laid_out(text: str) -> list[RenderableType]:
    """Lines that, wrapped, stay within their indent."""
    return [Padding(Text(line.strip()), (0, 0, 0, _indent(line)), expand=False) if line else Text() for line in text.splitlines()]


def _named(name: str) -> Axes:
    if name in methods.PRESETS or name in plugin.offered("method"):
        return methods.preset(name)
    if plugin.is_named(name):
        return methods.holding(name)
    for axis, table in methods.TABLES.items():
        if name in table or name in plugin.offered(axis):
            return Axes(**{axis: plugin.spelled_out(axis, name)})
    known = [*methods.PRESETS, *(strategy for table in methods.TABLES.values() for strategy in table)]
    raise UserError(f"altiplano methods: {name!r} is no method and no strategy; {nearest(name, known)}")


def _knob_table(method: Method) -> RenderableType:
    if not method.knobs:
        return Text("No knobs of its own: one configuration, unless lr, weight_decay or label_smoothing is searched.")
    table = Table(title="Knobs", title_justify="left", box=None, pad_edge=False)
    for column in ("knob", "searched", "default", "legal", "meaning", "source"):
        table.add_column(column, overflow="fold")
    for knob in method.knobs:
        table.add_row(
            knob.name,
            searched(knob),
            f"{knob.default:g}",
            f"{knob.legal[0]:g} to {knob.legal[1]:g}",
            escape(knob.meaning),
            escape(knob.source),
        )
    return table


def searched(knob: Knob) -> str:
    """The values that a search explores, in words."""
    if knob.choices:
        return ", ".join(f"{choice:g}" for choice in knob.choices)
    return f"{knob.search[0]:g} to {knob.search[1]:g}{' (log)' if knob.log else ''}"


def _option_lines(axes: Axes) -> list[RenderableType]:
    found = methods.options(axes)
    return (
        [Text(), Text("Options (fixed for a method of a study): " + ", ".join(f"{name}: {value!r}" for name, value in found.items()))]
        if found
        else []
    )


def _cost_line(axes: Axes, method: Method) -> str:
    found = _cost_with_mixer(axes) if "mixer" in method.needs else cost(method)
    return (
        f"Cost of a step, measured here on a small net: {found.forward:g} forward and {found.backward:g} backward "
        f"{'pass' if found.forward == found.backward == 1 else 'passes'}, {found.work:.2f} times the arithmetic of erm."
    )


def _cost_with_mixer(axes: Axes) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        write_untrained_mixer(f"{folder}/mixer.npz")
        return cost(methods.make(axes, mixer=f"{folder}/mixer.npz"))

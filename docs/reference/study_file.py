"""The page of the study file: from the pydantic models that check it, and from what data sets, nets and methods take."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.reference.words import documented, table
from search.notation import dump
from search.study import FIXED, Study
from trainables import nets, optimizer
from trainables.data import augment, corrupt
from trainables.data.check import SCENARIO
from trainables.data.load import load
from trainables.data.sources import SOURCES
from trainables.training import TRAINING_KNOBS

HEAD = """# Study file

A study file is YAML: what to train, what to search, how much of it. `altiplano check STUDY.yaml` names every fault of one with its line;
unknown keys are refused. What is left out has its default, and `studies-home/NAME/study.yaml` has all of them written out.
Numbers may be written as 1e-3. `--set training.epochs=10` changes a key for one call.

    name: digits
    data: {name: digits, label_noise: 0.1}
    net: {name: mlp, width: 128}
    training: {epochs: 30, batch: 64, lr: 0.1}
    methods:
      g-mix: {alpha: [0.05, 4], rho: [0.01, 0.5]}
      all-three: {mixing: mixup, perturbation: sam, criterion: softad}
    budget: {configurations: 24}
"""

METHODS = """## methods

Each entry is a name and what is known of it. The name of a preset (see [methods](methods.md)) stands for its choice on the three axes; any
other name gives them itself with the keys `mixing`, `perturbation` and `criterion`, of which one left out is `none`, `none` or `mean`.
Beside them stand

- knobs: a pair `[low, high]` is searched, a number is fixed, a longer list is searched as a choice where the knob has choices; a knob left
  out is searched over its own range;
- options of the chosen strategies: one value, the same for all configurations;
- `lr`, `weight_decay` and `label_smoothing`, for this method alone.

`erm`, plain training, is always added.
"""

TURNED = """A pair under one of these makes it a knob of every method. The legal values:
"""

FREE = ("data", "net", "training", "methods")
"""Keys with a section of their own below the first table."""


def page() -> str:
    """The page's text."""
    parts = [HEAD, "## Keys\n", _keys(Study, "")]
    parts.append(
        f"After the launch, {', '.join(f'`{key}`' for key in FIXED)} may not change; `altiplano resume --set` changes the others.\n"
    )
    parts += [*_data(), *_net(), *_training(), METHODS]
    for name, field in Study.model_fields.items():
        if name not in FREE and _is_part(field):
            parts += [f"## {name}\n", f"{inspect.getdoc(field.annotation)}\n", _keys(field.annotation, name)]
    return "\n".join(parts)


def _keys(model: type[BaseModel], where: str) -> str:
    schema = model.model_json_schema(by_alias=True, mode="validation")["properties"]
    rows = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        default = f"see [{key}](#{key})" if not where and (key in FREE or _is_part(field)) else _default(field)
        rows.append([f"`{key}`", _type(field, schema[key]), default, field.description or ""])
    return table(["key", "what it may be", "default", "meaning"], rows)


def _is_part(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    text = dump({"x": value}).strip()
    return f"`{text[4:-1] if text.startswith('{') else text[3:]}`"  # x stands in braces where its value does not


def _type(field: FieldInfo, schema: Mapping[str, Any]) -> str:
    """A key's values in words, from its JSON schema."""
    if choices := schema.get("anyOf"):
        return " or ".join(_type(field, one) for one in choices if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema or schema.get("type") == "object":
        return "keys"
    if schema.get("type") == "array":
        return f"list of {_type(field, schema['items'])}"
    kinds = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "string": "text"}
    return kinds.get(schema.get("type", ""), "number or pair") + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    found = [f"{word} {schema[key]:g}" for key, word in words.items() if key in schema]
    return f", {' and '.join(found)}" if found else ""


def _data() -> Iterator[str]:
    yield "## data\n"
    yield "`name` is one of the data sets below, or `module:object` for one of your own; what else a data set takes stands with it.\n"
    yield documented(load, leave=("Raises",)).replace("Load, split and corrupt a data set; the same", "The same")
    parameters = inspect.signature(load).parameters.values()
    rows = [
        [f"`{one.name}`", SCENARIO[one.name][1] if one.name in SCENARIO else "", f"`{one.default}`"]
        for one in parameters
        if one.default is not inspect.Parameter.empty
    ]
    yield table(["key", "must be", "default"], rows)
    yield "### data.augment\n"
    yield documented(augment.Augmentation)
    yield "### data.corruption\n"
    yield documented(corrupt.shares, leave=("Raises", "Returns"))
    yield f"Kinds: {', '.join(f'`{kind}`' for kind in corrupt.LEVELS)}.\n"
    yield "### Data sets\n"
    yield from _catalogue(SOURCES)


def _net() -> Iterator[str]:
    yield "## net\n"
    yield "`name` is one of these, or `module:object` for a factory of your own; the other keys are its options.\n"
    yield from _catalogue(nets.NETS, skip=2)


def _training() -> Iterator[str]:
    yield "## training\n"
    yield _keys(Study.model_fields["training"].annotation or BaseModel, "training")
    yield f"Schedules: {_first_lines(optimizer.SCHEDULES)}.\n"
    yield TURNED
    rows = ([f"`{one.name}`", f"{one.legal[0]:g} to {one.legal[1]:g}", one.meaning, one.source] for one in TRAINING_KNOBS)
    yield table(["knob", "legal", "meaning", "source"], rows)


def _first_lines(table_of: Mapping[str, Callable[..., Any]]) -> str:
    return "; ".join(f"`{name}`: {(inspect.getdoc(one) or '').splitlines()[0].rstrip('.')}" for name, one in table_of.items())


def _catalogue(factories: Mapping[str, Callable[..., Any]], skip: int = 0) -> Iterator[str]:
    """Each factory by name, with its options and its docstring; those of one docstring together."""
    grouped: dict[str, list[str]] = {}
    for name, factory in factories.items():
        grouped.setdefault(documented(factory, leave=("Raises",)), []).append(name)
    for text, names in grouped.items():
        parameters = list(inspect.signature(factories[names[0]]).parameters.values())[skip:]
        options = [f"`{one.name}`" if one.default is inspect.Parameter.empty else f"`{one.name}: {one.default}`" for one in parameters]
        yield f"#### {', '.join(names)}\n"
        yield text
        yield f"Options and their defaults: {', '.join(options)}.\n" if options else ""
